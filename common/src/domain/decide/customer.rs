//! Customers recorded and changed without a sale.

use super::{Decisions, PoolExhausted, conversion::cap, customer_of_sale, view};
use crate::domain::{
    Applied, CreateCustomer, CustomerAction, CustomerId, CustomerRef, CustomerTarget, Event, First, Identity,
    OrgId, Outcome, Reason, Refusal, UpdateCustomer,
    attribution::{AttributionQuery, attribute, customer_ranks},
    catalog::OrgCatalog,
    entities::Customer,
};

impl Decisions {
    pub(super) fn create_customer(
        &mut self,
        event: &Event,
        create: &CreateCustomer,
    ) -> Result<Result<Applied, Refusal>, PoolExhausted> {
        self.with_catalog(event, |this, catalog| {
            this.create_customer_with(event, create, catalog)
        })
    }

    fn create_customer_with(
        &mut self,
        event: &Event,
        create: &CreateCustomer,
        catalog: &OrgCatalog,
    ) -> Result<Result<Applied, Refusal>, PoolExhausted> {
        let identity = Identity::Id(create.customer_id.clone());
        let known = self.world.living_customer(event.org, &identity);
        // A customer whom no secret vouched for gives way to one whom a secret does.
        if known.is_some_and(|known| known.authenticated || !event.authenticated) {
            return Ok(Err(self.repeated(event, &create.customer_id, known, catalog)));
        }
        let known = known.map(|known| known.id);
        let query = AttributionQuery {
            org: event.org,
            dialect: event.dialect,
            ranks: customer_ranks(event.dialect),
            sent: &create.attribution,
            scope: event.program_scope,
            customer: None,
            at: event.received_at,
            any_age: create.override_max_cookie_time,
            authenticated: event.authenticated,
        };
        let found = match attribute(&query, &self.world, catalog) {
            Ok((found, _)) => found,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let id = if let Some(id) = known {
            self.change_customer(event.org, id, |customer| {
                customer_of_sale::rebind(customer, &found);
                customer.track = create.track;
                customer.meta_data.clone_from(&create.meta_data);
                customer.details.clone_from(&create.details);
            });
            id
        } else {
            let named = CustomerRef {
                identity,
                external_id: Some(create.customer_id.clone()),
                email: None,
                name: None,
                meta_data: create.meta_data.clone(),
            };
            let id = self.new_customer(event, named, &found, create.track)?;
            self.change_customer(event.org, id, |customer| {
                customer.details.clone_from(&create.details);
            });
            id
        };
        if let Some(click) = found.click {
            self.leave_on_click(event, click, id);
        }
        let customer = self.world.customer(event.org, id);
        let record = customer.and_then(|customer| view::customer_record(customer, &self.world, catalog));
        Ok(record
            .map(|record| Applied::Customer(Box::new(record)))
            .ok_or_else(|| unknown(&CustomerTarget::Number(id))))
    }

    /// Who may not see the customer learns only that the id is taken.
    fn repeated(&self, event: &Event, name: &str, known: Option<&Customer>, catalog: &OrgCatalog) -> Refusal {
        let is_visible_to =
            |customer: &&Customer| event.program_scope.is_none_or(|scope| scope == customer.program);
        let first = known.filter(is_visible_to).and_then(|customer| {
            let record = view::customer_record(customer, &self.world, catalog);
            Some(Box::new(First {
                event_id: customer.event?,
                outcome: record.map(|record| Outcome::Applied(Applied::Customer(Box::new(record)))),
            }))
        });
        Refusal {
            first,
            ..duplicate(name)
        }
    }

    pub(super) fn update_customer(
        &mut self,
        event: &Event,
        update: &UpdateCustomer,
    ) -> Result<Applied, Refusal> {
        self.with_catalog(event, |this, catalog| {
            this.update_customer_with(event, update, catalog)
        })
    }

    /// Changes a copy and puts it back: a refusal half-way leaves nothing behind.
    fn update_customer_with(
        &mut self,
        event: &Event,
        update: &UpdateCustomer,
        catalog: &OrgCatalog,
    ) -> Result<Applied, Refusal> {
        let before = self
            .target(event, &update.customer)
            .cloned()
            .ok_or_else(|| unknown(&update.customer))?;
        let mut after = before.clone();
        if let Some(meta_data) = &update.meta_data {
            after.meta_data.clone_from(meta_data);
        }
        if let Some(name) = &update.customer_id {
            self.rename(event.org, &mut after, name)?;
        }
        match update.action {
            Some(CustomerAction::Cancel) => after.canceled = true,
            Some(CustomerAction::Resume) => {
                let limits = catalog
                    .program(after.program)
                    .and_then(|program| cap(Some(&after), program, event.received_at));
                after.canceled = false;
                after.capped = limits.is_some_and(|limits| limits.reached);
            }
            Some(CustomerAction::Delete) => {
                after.deleted_at = Some(self.world.now);
                after.identity = Identity::Deleted(after.id);
            }
            None => {}
        }
        customer_of_sale::follow_status(&mut after);
        let record = view::customer_record(&after, &self.world, catalog).ok_or_else(|| {
            let detail = "the customer's program or affiliate has been removed";
            Refusal::new(Reason::NotAttributed, detail)
        })?;
        self.put_customer(&before, after);
        Ok(Applied::Customer(Box::new(record)))
    }

    /// The living customer who is meant, unless the key sees another program only.
    fn target(&self, event: &Event, target: &CustomerTarget) -> Option<&Customer> {
        let customer = match target {
            CustomerTarget::Id(id) => self.world.living_customer(event.org, &Identity::Id(id.clone())),
            CustomerTarget::Number(id) => self.world.customer(event.org, *id),
        }?;
        let is_visible_to = event.program_scope.is_none_or(|scope| scope == customer.program);
        (customer.deleted_at.is_none() && is_visible_to).then_some(customer)
    }

    fn rename(&self, org: OrgId, customer: &mut Customer, name: &str) -> Result<(), Refusal> {
        customer.external_id = Some(name.to_owned());
        // Who is known by an address stays known by it (seed: Yaplet): the merchant's id is a cross-reference there.
        if matches!(customer.identity, Identity::Email(_)) {
            return Ok(());
        }
        let identity = Identity::Id(name.to_owned());
        let holder = self.world.living_customer(org, &identity);
        if holder.is_some_and(|holder| holder.id != customer.id) {
            return Err(duplicate(name));
        }
        customer.identity = identity;
        Ok(())
    }
}

fn duplicate(name: &str) -> Refusal {
    Refusal::new(
        Reason::DuplicateCustomer,
        format!("a customer with customer_id {name:?} already exists"),
    )
}

fn unknown(target: &CustomerTarget) -> Refusal {
    let detail = match target {
        CustomerTarget::Id(id) => format!("no customer is known by customer_id {id:?}"),
        CustomerTarget::Number(CustomerId(number)) => format!("no customer has the number {number}"),
    };
    Refusal::new(Reason::UnknownCustomer, detail)
}

//! The customer of a sale: found, created, rebound.

use super::{Decisions, PoolExhausted};
use crate::domain::{
    AttributionFields, ClickId, CreateConversion, CustomerId, CustomerRef, Dialect, Event, Identity,
    MetaData, OrgId, Track,
    attribution::Attribution,
    customer_status::{Standing, status},
    entities::{Change, Click, Customer},
};

impl Decisions {
    /// The customer that a sale names, or that a lead has bound to the click which it names.
    pub(super) fn customer_of_sale(&self, event: &Event, create: &CreateConversion) -> Option<&Customer> {
        let named = create.customer.as_ref().map(|named| &named.identity);
        let click = self.click_of(event, &create.attribution);
        self.visitor(event, named, click)
    }

    /// The customer of this identity, else the one who came by this click: unless that is somebody else, who has told
    /// another id (one browser, two people).
    pub(super) fn visitor(
        &self,
        event: &Event,
        named: Option<&Identity>,
        click: Option<&Click>,
    ) -> Option<&Customer> {
        let by_id = named.and_then(|named| self.world.living_customer(event.org, named));
        let by_click = || {
            let click = click?;
            let customer = self.world.customer(event.org, click.customer?)?;
            let is_same = named.is_none() || may_tell_id(event, customer);
            // A stranger may have left somebody's customer on a click, to divert what is signed.
            let is_meant = !event.authenticated
                || click.customer_authenticated
                || matches!(customer.identity, Identity::Click(_))
                || (customer.authenticated && customer.click == Some(click.id));
            (customer.deleted_at.is_none() && is_same && is_meant).then_some(customer)
        };
        by_id.or_else(by_click)
    }

    /// The click of a sale in the dialects where clicks lead to customers.
    fn click_of(&self, event: &Event, sent: &AttributionFields) -> Option<&Click> {
        if !matches!(event.dialect, Dialect::Affitor | Dialect::Affy) {
            return None;
        }
        let by_id = sent
            .click_id
            .as_deref()
            .and_then(|name| self.world.click(event.org, name));
        by_id.or_else(|| self.world.session(event.org, sent.session.as_deref()?))
    }

    /// Creates or updates the customer of a recorded sale. In the dialects of clicks a visitor who told no id is one too.
    pub(super) fn upsert_customer(
        &mut self,
        event: &Event,
        create: &CreateConversion,
        found: &Attribution<'_>,
        known: Option<CustomerId>,
    ) -> Result<Option<CustomerId>, PoolExhausted> {
        if let Some(id) = known {
            self.change_customer(event.org, id, |customer| {
                if let Some(named) = &create.customer {
                    // What no secret vouches for writes nothing over what one does.
                    if event.authenticated || !customer.authenticated {
                        update(customer, named);
                        customer.name = customer.name.take().or_else(|| default_name(event, named));
                    }
                    if may_tell_id(event, customer) {
                        customer.identity = named.identity.clone();
                    }
                }
                if found.authenticated && !customer.authenticated {
                    rebind(customer, found);
                }
            });
            return Ok(Some(id));
        }
        let click = self.click_of(event, &create.attribution).map(|click| click.id);
        let visitor = click.map(|click| CustomerRef {
            identity: Identity::Click(click),
            external_id: None,
            email: None,
            name: None,
            meta_data: MetaData::new(),
        });
        let Some(mut named) = create.customer.clone().or(visitor) else {
            return Ok(None);
        };
        named.name = named.name.take().or_else(|| default_name(event, &named));
        let id = self.new_customer(event, named, found, Track::New)?;
        if let Some(click) = click {
            self.leave_on_click(event, click, id);
        }
        Ok(Some(id))
    }

    /// Notes on a click who came by it. The first one stays as long as the customer lives; one whom a stranger told gives
    /// way to whom a secret tells, but not a visitor without a name, who is known by this click alone.
    pub(super) fn leave_on_click(&mut self, event: &Event, click: ClickId, customer: CustomerId) {
        let is_free = |click: &Click| {
            let holder = click
                .customer
                .and_then(|holder| self.world.customer(event.org, holder));
            let strangers_word = event.authenticated && !click.customer_authenticated;
            holder.is_none_or(|holder| {
                let is_named = !matches!(holder.identity, Identity::Click(_));
                holder.deleted_at.is_some() || (strangers_word && is_named)
            })
        };
        if !self.world.clicks.get(&click).is_some_and(is_free) {
            return;
        }
        if let Some(click) = self.world.clicks.get_mut(&click) {
            (click.customer, click.customer_authenticated) = (Some(customer), event.authenticated);
            click.change.touch();
        }
    }

    /// Adds a customer bound to the affiliate that was found.
    pub(super) fn new_customer(
        &mut self,
        event: &Event,
        named: CustomerRef,
        found: &Attribution<'_>,
        track: Track,
    ) -> Result<CustomerId, PoolExhausted> {
        let id = self.world.ids.customer().ok_or(PoolExhausted)?;
        let mut customer = Customer {
            change: Change::Insert,
            org: event.org,
            id,
            identity: named.identity,
            external_id: named.external_id,
            email: named.email,
            name: named.name,
            program: found.program.id,
            affiliate: found.affiliation.affiliate,
            status: String::new(),
            track,
            canceled: false,
            capped: false,
            counted: 0,
            first_sale_at: None,
            click: found.click,
            meta_data: named.meta_data,
            details: MetaData::new(),
            authenticated: found.authenticated,
            event: Some(event.id),
            created_at: event.received_at,
            deleted_at: None,
        };
        follow_status(&mut customer);
        self.world.add_customer(customer);
        Ok(id)
    }

    /// Changes a customer, brings its status up to date, and marks it if anything is different.
    pub(super) fn change_customer(&mut self, org: OrgId, id: CustomerId, edit: impl FnOnce(&mut Customer)) {
        let Some(before) = self.world.customer(org, id).cloned() else {
            return;
        };
        let mut after = before.clone();
        edit(&mut after);
        self.put_customer(&before, after);
    }

    /// Puts back a customer that was changed, with the status that follows.
    pub(super) fn put_customer(&mut self, before: &Customer, mut after: Customer) {
        follow_status(&mut after);
        if after == *before {
            return;
        }
        after.change.touch();
        if after.identity != before.identity {
            self.world
                .customers
                .remove(&(before.org, before.identity.clone()));
        }
        self.world.add_customer(after);
    }
}

/// Brings the status up to date with the facts.
pub(super) fn follow_status(customer: &mut Customer) {
    status(standing(customer)).clone_into(&mut customer.status);
}

pub(super) fn standing(customer: &Customer) -> Standing {
    Standing {
        track: customer.track,
        canceled: customer.canceled,
        capped: customer.capped,
        has_bought: customer.first_sale_at.is_some(),
    }
}

/// Last writer wins for what is sent; what is not sent stays.
pub(super) fn update(customer: &mut Customer, named: &CustomerRef) {
    customer.external_id = named.external_id.clone().or(customer.external_id.take());
    customer.email = named.email.clone().or(customer.email.take());
    customer.name = named.name.clone().or(customer.name.take());
    customer.meta_data.extend(named.meta_data.clone());
}

/// What Yaplet calls a customer whose name nobody has sent yet: the e-mail's prefix. Never over a name that was sent.
fn default_name(event: &Event, named: &CustomerRef) -> Option<String> {
    let email = named
        .email
        .as_deref()
        .filter(|_| event.dialect == Dialect::Yaplet)?;
    email.rsplit_once('@').map(|(prefix, _)| prefix.to_owned())
}

/// A visitor who was known by a click only may tell an id later; only with a secret, where one has vouched for them.
pub(super) fn may_tell_id(event: &Event, customer: &Customer) -> bool {
    matches!(customer.identity, Identity::Click(_)) && (event.authenticated || !customer.authenticated)
}

/// Another binding takes the place of the customer's. Whoever calls knows that it may.
pub(super) fn rebind(customer: &mut Customer, found: &Attribution<'_>) {
    customer.program = found.program.id;
    customer.affiliate = found.affiliation.affiliate;
    customer.click = found.click;
    customer.authenticated = found.authenticated;
}

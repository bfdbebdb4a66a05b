//! The customer of a sale: found, created, rebound.

use super::{Decisions, PoolExhausted};
use crate::domain::{
    Attribution, CreateConversion, CustomerId, CustomerRef, Dialect, Event, Identity, MetaData, OrgId, Track,
    attribution::Found,
    customer_status::{Standing, status},
    entities::{Change, Click, Customer},
};

impl Decisions {
    /// The customer that a sale names, or that a lead has bound to the click which it names.
    pub(super) fn customer_of_sale(&self, event: &Event, create: &CreateConversion) -> Option<&Customer> {
        let named = create.customer.as_ref();
        let by_id = named.and_then(|named| self.world.customers.get(&(event.org, named.identity.clone())));
        by_id
            .filter(|customer| customer.deleted_at.is_none())
            .or_else(|| self.customer_of_click(event, &create.attribution))
    }

    fn customer_of_click(&self, event: &Event, sent: &Attribution) -> Option<&Customer> {
        let customer = self.click_of(event, sent)?.customer?;
        self.world.customer(event.org, customer)
    }

    /// The click of a sale in the dialects where clicks lead to customers.
    fn click_of(&self, event: &Event, sent: &Attribution) -> Option<&Click> {
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
    pub(super) fn sees_buyer(
        &mut self,
        event: &Event,
        create: &CreateConversion,
        found: &Found<'_>,
        known: Option<CustomerId>,
    ) -> Result<Option<CustomerId>, PoolExhausted> {
        if let Some(id) = known {
            self.change_customer(event.org, id, |customer| {
                if let Some(named) = &create.customer {
                    update(customer, named);
                    // A visitor who was known by a click only tells an id now.
                    if matches!(customer.identity, Identity::Click(_)) {
                        customer.identity = named.identity.clone();
                    }
                }
                if event.trusted && !customer.trusted && found.trusted {
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
        let Some(named) = create.customer.clone().or(visitor) else {
            return Ok(None);
        };
        let id = self.new_customer(event, named, found, Track::New)?;
        if let Some(click) = click.and_then(|click| self.world.clicks.get_mut(&click)) {
            click.customer = Some(id);
            click.change.touch();
        }
        Ok(Some(id))
    }

    /// Adds a customer bound to the affiliate that was found.
    pub(super) fn new_customer(
        &mut self,
        event: &Event,
        named: CustomerRef,
        found: &Found<'_>,
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
            trusted: found.trusted,
            created_at: event.received_at,
            deleted_at: None,
        };
        customer.status = status(standing(&customer)).to_owned();
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
        status(standing(&after)).clone_into(&mut after.status);
        if after == before {
            return;
        }
        after.change.touch();
        if after.identity != before.identity {
            self.world.customers.remove(&(org, before.identity));
        }
        self.world.add_customer(after);
    }
}

fn standing(customer: &Customer) -> Standing {
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

/// A binding that a secret vouches for takes the place of one that none does.
pub(super) fn rebind(customer: &mut Customer, found: &Found<'_>) {
    customer.program = found.program.id;
    customer.affiliate = found.affiliation.affiliate;
    customer.click = found.click;
    customer.trusted = true;
}

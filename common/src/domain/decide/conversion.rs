//! A sale becomes a conversion with its commissions, or is refused with a reason.

use super::{Decisions, PoolExhausted, view};
use crate::domain::{
    Applied, CreateConversion, CustomerId, CustomerRef, Event, First, MAX_AMOUNT, Outcome, Reason, Refusal,
    attribution::{Found, attribute},
    catalog::{Approval, OrgCatalog},
    commission::{Line, lines},
    entities::{Change, Commission, Conversion, Customer},
    ledger::Position,
};

impl Decisions {
    pub(super) fn create_conversion(
        &mut self,
        event: &Event,
        create: &CreateConversion,
    ) -> Result<Result<Applied, Refusal>, PoolExhausted> {
        if let Some(refusal) = self.duplicate(event, create) {
            return Ok(Err(refusal));
        }
        if create.amount > MAX_AMOUNT {
            let detail = format!("amount {} is above {MAX_AMOUNT}", create.amount);
            return Ok(Err(Refusal::new(Reason::AmountOutOfRange, detail)));
        }
        // The catalog is only read while deciding: taken out so that the rest of the world can change meanwhile.
        let catalog = self.world.catalog.remove(&event.org).unwrap_or_default();
        let result = self.create_with(event, create, &catalog);
        self.world.catalog.insert(event.org, catalog);
        result
    }

    fn duplicate(&self, event: &Event, create: &CreateConversion) -> Option<Refusal> {
        let order = create.external_id.as_deref()?;
        let conversion = self.conversion_of(event.org, order)?;
        let view = view::conversion(conversion, &self.world);
        let outcome = view.map(|view| Outcome::Applied(Applied::Conversion(Box::new(view))));
        Some(Refusal {
            reason: Reason::DuplicateOrder,
            detail: format!("a conversion with external_id {order:?} already exists"),
            first: Some(Box::new(First {
                event_id: conversion.event,
                outcome,
            })),
        })
    }

    fn create_with(
        &mut self,
        event: &Event,
        create: &CreateConversion,
        catalog: &OrgCatalog,
    ) -> Result<Result<Applied, Refusal>, PoolExhausted> {
        let at = create.occurred_at.unwrap_or(event.received_at);
        let known = event
            .customer()
            .and_then(|id| self.world.customers.get(&(event.org, id.clone())));
        let found = match attribute(
            event.dialect,
            &create.attribution,
            event.program_scope,
            known,
            catalog,
        ) {
            Ok(found) => found,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let currency = create.currency.unwrap_or(found.program.currency);
        let lines = match lines(create, found.affiliation, found.program, catalog, at, currency) {
            Ok(lines) => lines,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let customer = match &create.customer {
            Some(named) => Some(self.sees_customer(event, named, found)?),
            None => None,
        };
        let mut conversion = Conversion {
            change: Change::Insert,
            org: event.org,
            id: self.world.ids.conversion().ok_or(PoolExhausted)?,
            external_id: create.external_id.clone(),
            program: found.program.id,
            affiliate: found.affiliation.affiliate,
            customer,
            event: event.id,
            dialect: event.dialect,
            trusted: event.trusted,
            attributed_by: found.rank.name().to_owned(),
            amount: create.amount,
            currency,
            refunded: rust_decimal::Decimal::ZERO,
            fully_refunded: false,
            meta_data: create.meta_data.clone(),
            details: create.details.clone(),
            created_at: at,
            amount_by: None,
            status_by: None,
            meta_by: None,
            commissions: Vec::with_capacity(lines.len()),
            refunds: Vec::new(),
        };
        // What no secret vouches for waits for a person, whatever the program says.
        let approved = (event.trusted && found.program.approval == Approval::Immediate).then_some(true);
        for line in lines {
            conversion
                .commissions
                .push(self.commission(line, approved, &conversion)?);
        }
        self.settle(&mut conversion, event);
        let view = view::with_catalog(&conversion, &self.world, catalog);
        // A conversion without an external id is kept under its own number: nothing can name it in this batch.
        let key = create
            .external_id
            .clone()
            .unwrap_or_else(|| format!("\0{}", conversion.id));
        self.world.conversions.insert((event.org, key), conversion);
        Ok(view
            .map(|view| Applied::Conversion(Box::new(view)))
            .ok_or_else(|| Refusal::new(Reason::UnknownPartner, "the affiliate's program has been removed")))
    }

    fn commission(
        &mut self,
        line: Line,
        approved: Option<bool>,
        conversion: &Conversion,
    ) -> Result<Commission, PoolExhausted> {
        Ok(Commission {
            change: Change::Insert,
            id: self.world.ids.commission().ok_or(PoolExhausted)?,
            affiliate: line.affiliate,
            kind: line.kind,
            commission_type: line.commission_type,
            commission_name: line.name,
            rate: line.rate,
            sub_amount: line.sub_amount,
            gross: line.gross.amount(),
            amount: line.gross.amount(),
            currency: line.gross.currency(),
            approved,
            position: Position::default(),
            comment: line.comment,
            created_at: conversion.created_at,
        })
    }

    /// Creates or updates the customer of a recorded sale; the first sale moves it out of its initial status.
    fn sees_customer(
        &mut self,
        event: &Event,
        named: &CustomerRef,
        found: Found<'_>,
    ) -> Result<CustomerId, PoolExhausted> {
        let key = (event.org, named.identity.clone());
        if let Some(customer) = self.world.customers.get_mut(&key) {
            update_customer(customer, named);
            return Ok(customer.id);
        }
        let id = self.world.ids.customer().ok_or(PoolExhausted)?;
        let customer = Customer {
            change: Change::Insert,
            org: event.org,
            id,
            identity: named.identity.clone(),
            external_id: named.external_id.clone(),
            email: named.email.clone(),
            name: named.name.clone(),
            program: found.program.id,
            affiliate: found.affiliation.affiliate,
            status: "active".to_owned(),
            meta_data: named.meta_data.clone(),
            trusted: event.trusted,
            created_at: event.received_at,
        };
        self.world.add_customer(customer);
        Ok(id)
    }
}

/// Last writer wins for what is sent; what is not sent stays.
fn update_customer(customer: &mut Customer, named: &CustomerRef) {
    let mut after = customer.clone();
    after.external_id = named.external_id.clone().or(after.external_id);
    after.email = named.email.clone().or(after.email);
    after.name = named.name.clone().or(after.name);
    after.meta_data.extend(named.meta_data.clone());
    match after.status.as_str() {
        "new" => "active".clone_into(&mut after.status),
        "trial" => "paying".clone_into(&mut after.status),
        "lead" => "won".clone_into(&mut after.status),
        _ => {}
    }
    if after != *customer {
        after.change.touch();
        *customer = after;
    }
}

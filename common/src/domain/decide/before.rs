//! What a change found: the audit trail shows it beside what the change made of it.

use super::{change::by_number, commission, context::Context, customer, payment, view};
use crate::domain::{Applied, Body, World};

/// What an edit is about, as it is before the edit. `None`: there is no such thing for its caller, or the event is no edit.
pub(super) fn before(context: &Context<'_>, world: &World) -> Option<Applied> {
    let catalog = context.catalog;
    match &context.event.body {
        Body::EditConversion(edit) => {
            let found = by_number(context, edit.conversion, world).ok()?;
            let view = view::conversion(&found, world, catalog)?;
            Some(Applied::Conversion(Box::new(view)))
        }
        Body::RecalculateCommissions(recalculate) => {
            let found = by_number(context, recalculate.conversion, world).ok()?;
            let view = view::conversion(&found, world, catalog)?;
            Some(Applied::Conversion(Box::new(view)))
        }
        Body::EditCommission(edit) => {
            let view = commission::shown(context, edit.commission, world)?;
            Some(Applied::Commission(Box::new(view)))
        }
        Body::UpdateCustomer(update) => {
            let found = customer::target(context, &update.customer, world).ok()?;
            let record = view::customer_record(found, world, catalog)?;
            Some(Applied::Customer(Box::new(record)))
        }
        Body::CancelPayment(cancel) => {
            let view = payment::shown(context, cancel.payment, world)?;
            Some(Applied::Payments(vec![view]))
        }
        // Payments are new; all others are no edits of a person.
        Body::Pay(_)
        | Body::CreateConversion(_)
        | Body::UpdateConversion(_)
        | Body::Refund(_)
        | Body::Chargeback(_)
        | Body::AddCommissions(_)
        | Body::Click(_)
        | Body::CreateCustomer(_)
        | Body::Lead(_)
        | Body::Scheduled(_)
        | Body::Test(_) => None,
    }
}

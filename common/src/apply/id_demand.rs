//! How many new numbers the events of a batch can need at most.

use crate::{
    db::ids::IdDemand,
    domain::{Body, Dialect, Event, Scheduled, World},
};

pub(super) fn of_batch(new: &[&Event], world: &World) -> IdDemand {
    let mut wanted = IdDemand::default();
    for event in new {
        let catalog = world.catalogs.get(&event.org);
        let per_line = catalog.map_or(1, |catalog| catalog.commissions_per_line());
        match &event.body {
            Body::CreateConversion(create) => {
                wanted.conversions += 1;
                wanted.commissions += create.lines.len().max(1) * per_line;
                // In the dialects of clicks a visitor who told no id is a customer too.
                let is_visitor = matches!(event.dialect, Dialect::Affitor | Dialect::Affy);
                wanted.customers += usize::from(create.customer.is_some() || is_visitor);
            }
            Body::AddCommissions(add) => wanted.commissions += add.lines.len() * per_line,
            Body::Scheduled(Scheduled::Recur { .. }) => wanted.commissions += per_line,
            Body::Scheduled(Scheduled::Bonus { .. }) => {
                // One in each currency that was sold in, or a fixed one.
                let sales = world.monthly_sales.get(&event.id);
                wanted.commissions += sales.map_or(1, |sales| sales.amounts.len().max(1));
            }
            Body::CreateCustomer(_) | Body::Lead(_) => wanted.customers += 1,
            Body::Click(_) => wanted.clicks += 1,
            Body::Pay(pay) => wanted.payments += pay.payments.len(),
            Body::UpdateConversion(_)
            | Body::Refund(_)
            | Body::Chargeback(_)
            | Body::EditConversion(_)
            | Body::EditCommission(_)
            | Body::UpdateCustomer(_)
            | Body::CancelPayment(_)
            | Body::Scheduled(Scheduled::HoldEnds { .. })
            | Body::Test(_) => {}
        }
    }
    wanted
}

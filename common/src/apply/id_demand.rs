//! How many new numbers the events of a batch can need at most.

use super::new_event::NewEvent;
use crate::{db::ids::IdDemand, domain::World};

pub(super) fn of_batch(new: &[NewEvent<'_>], world: &World) -> IdDemand {
    let mut demand = IdDemand::default();
    for NewEvent { event, needs } in new {
        let Some(org) = event.org else { continue };
        let catalog = world.catalogs.get(&org);
        let per_line = catalog.map_or(1, |catalog| catalog.commissions_per_line());
        let rows = needs.new_rows;
        demand.conversions += rows.conversions;
        demand.commissions += rows.commission_lines * per_line;
        // What was added to an unauthenticated sale, maybe in this very batch, is added again to the one that takes its place.
        if needs.conversion.is_some() {
            demand.commissions += rows.commission_lines * per_line;
        }
        let superseded = needs.order.and_then(|order| world.conversion_of(org, order));
        if let Some(superseded) = superseded.filter(|before| !before.authenticated && rows.conversions > 0) {
            demand.commissions += superseded.commissions.len() * per_line;
        }
        demand.customers += rows.customers;
        demand.clicks += rows.clicks;
        demand.payments += rows.payments;
        if needs.bonus.is_some() {
            // One in each currency that was sold in, or a fixed one.
            let sales = world.monthly_sales.get(&event.id);
            demand.commissions += sales.map_or(1, |sales| sales.amounts.len().max(1));
        }
    }
    demand
}

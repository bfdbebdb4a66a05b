//! A conversion is deleted, or superseded by another.

use super::{
    Context, Effects, customer_record::change_customer, limits::is_beyond_limits, posting::post_transfers,
};
use crate::domain::{World, entities::Conversion};

/// Marks a conversion as deleted: its commissions are reversed, its external id is free, and it counts towards its customer's
/// cap in its program no more. The caller puts it back.
pub(super) fn void_conversion(
    context: &Context<'_>,
    conversion: &mut Conversion,
    world: &mut World,
    effects: &mut Effects,
) {
    conversion.change.touch();
    conversion.deleted_at = Some(context.now);
    for commission in &mut conversion.commissions {
        commission.approved = Some(false);
    }
    let counted = std::mem::take(&mut conversion.counts_towards_cap);
    if let Some(customer) = conversion.customer.filter(|_| counted > 0) {
        change_customer(world, context.org, customer, |customer| {
            let program = context.catalog.program(conversion.program);
            if let Some(standing) = customer.in_program_mut(conversion.program) {
                standing.counted_towards_cap = (standing.counted_towards_cap - i64::from(counted)).max(0);
                standing.capped = program
                    .is_some_and(|program| is_beyond_limits(standing, program, context.event.received_at));
            }
        });
    }
    post_transfers(context, conversion, effects);
}

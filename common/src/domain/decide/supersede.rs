//! An authenticated order takes the place of an unauthenticated one with the same id.

use super::{
    Context, Effects,
    change::{of_minor_units, recalculate},
    void::void_conversion,
};
use crate::domain::{
    CreateConversion, World,
    entities::{Conversion, RefundEntry},
};

/// Reverses the unauthenticated sale of the same order, links it to its successor, and returns it as it was before. The
/// caller has refused duplicates: whatever has this order's id is unauthenticated.
pub(super) fn supersede(
    context: &Context<'_>,
    create: &CreateConversion,
    world: &mut World,
    effects: &mut Effects,
) -> Option<Conversion> {
    let order = create.external_id.as_deref()?;
    let before = world.conversion_of(context.org, order)?.clone();
    let mut old = before.clone();
    // The next id of the pool is the one that the new conversion gets.
    old.superseded_by = world.ids.next_conversion();
    void_conversion(context, &mut old, world, effects);
    world.add_conversion(old);
    Some(before)
}

/// The new conversion takes over the later changes and refunds of the order, which only authenticated events make: so a refund
/// between the unauthenticated sale and the authenticated one has the effect of a refund after both.
pub(super) fn inherit(conversion: &mut Conversion, before: &Conversion, effects: &mut Effects) {
    if before.amount_by.is_some() {
        let mut followed = conversion.clone();
        followed.amount = before.amount;
        followed.amount_by = before.amount_by;
        // If a commission of that amount would be out of range by the present rates, the create's amount stays.
        if recalculate(&mut followed).is_ok() {
            *conversion = followed;
        }
    }
    if let Some(decided) = before.commissions.first().filter(|_| before.status_by.is_some()) {
        for commission in &mut conversion.commissions {
            commission.approved = decided.approved;
        }
        conversion.status_by = before.status_by;
    }
    if before.meta_by.is_some() {
        conversion.meta_data.clone_from(&before.meta_data);
        conversion.meta_by = before.meta_by;
    }
    conversion.charged_back = before.charged_back;
    conversion.chargeback_by = before.chargeback_by;
    for before in &before.refunds {
        let minor_units = before.minor_units;
        let entry = RefundEntry {
            conversion: conversion.id,
            // The unauthenticated sale may have named another currency.
            amount: minor_units.map_or(before.amount, |units| Some(of_minor_units(conversion, units))),
            ..before.clone()
        };
        conversion.add_refund(entry.clone());
        effects.refunds.push(entry);
    }
}

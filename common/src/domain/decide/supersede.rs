//! An authenticated order takes the place of an unauthenticated one with the same id.

use super::{
    Context, Effects,
    approval::InitialApproval,
    change::of_minor_units,
    commission::{Added, add_lines, sale_of},
    void::void_conversion,
};
use crate::domain::{
    CreateConversion, World,
    commission::{Part, part_lines},
    entities::{Commission, CommissionKind, Conversion, RefundEntry},
    pricing::{follow_amount, set_amount, set_sub_amount},
    world::{IdPool, PoolExhausted},
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

/// The new conversion takes over what keys have said of the order, as if they had said it after both sales: amount, status, data,
/// chargeback, refunds, commissions that were added, and what was said of single commissions.
pub(super) fn inherit(
    context: &Context<'_>,
    conversion: &mut Conversion,
    before: &Conversion,
    ids: &mut IdPool,
    effects: &mut Effects,
) -> Result<(), PoolExhausted> {
    inherit_amount(conversion, before);
    // Of earlier versions only the commissions tell what the status was.
    let first = before.commissions.first();
    let status = before
        .status
        .or_else(|| first.and_then(|commission| commission.approved));
    if let Some(approved) = status.filter(|_| before.status_by.is_some()) {
        for commission in created_mut(conversion) {
            commission.approved = Some(approved);
        }
        (conversion.status, conversion.status_by) = (Some(approved), before.status_by);
    }
    add_again(context, conversion, before, ids, effects)?;
    let told = before
        .commissions
        .iter()
        .filter(|told| told.created_at == before.created_at);
    let mut parts = 0;
    for (commission, told) in created_mut(conversion).zip(told) {
        parts += usize::from(told.kind == CommissionKind::Regular);
        // Of a sale of 0 the lines of the first part follow, the others have no share of it.
        let could_follow = parts <= 1 || !before.original_amount.is_zero();
        inherit_commission(commission, told, could_follow);
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
    Ok(())
}

/// The commissions that a sale brought with it. Those that were added later have the time of their addition.
fn created_mut(conversion: &mut Conversion) -> impl Iterator<Item = &mut Commission> {
    let at = conversion.created_at;
    let commissions = conversion.commissions.iter_mut();
    commissions.filter(move |commission| commission.created_at == at)
}

/// If a commission of that amount would be out of range by the present rates, the create's amount stays.
fn inherit_amount(conversion: &mut Conversion, before: &Conversion) {
    if before.amount_by.is_none() {
        return;
    }
    let mut followed = conversion.clone();
    (followed.amount, followed.amount_by) = (before.amount, before.amount_by);
    // An amount that was edited may have left the commissions as they were.
    let mut followers = before.commissions.iter().filter_map(|commission| {
        let share = commission.share?;
        let whole = Some(commission.sub_amount).filter(|_| share == before.original_amount);
        whole.or(commission.followed).or(Some(before.original_amount))
    });
    let amount = followers.next().unwrap_or(before.amount);
    let is_as_created = amount == before.original_amount && amount != before.amount;
    let original = followed.original_amount;
    let mut commissions = followed.commissions.iter_mut();
    if is_as_created || commissions.all(|commission| follow_amount(commission, original, amount).is_ok()) {
        *conversion = followed;
    }
}

/// What was added to the sale before is added to its successor: for its affiliate, by the rules of the time when it was added.
fn add_again(
    context: &Context<'_>,
    conversion: &mut Conversion,
    before: &Conversion,
    ids: &mut IdPool,
    effects: &mut Effects,
) -> Result<(), PoolExhausted> {
    let is_added = |commission: &&Commission| {
        commission.created_at != before.created_at && commission.kind != CommissionKind::Recurring
    };
    let added: Vec<&Commission> = before.commissions.iter().filter(is_added).collect();
    for (index, own) in added
        .iter()
        .enumerate()
        .filter(|(_, own)| own.kind == CommissionKind::Regular)
    {
        let at = own.created_at;
        let part = Part {
            sub_amount: own.sub_amount,
            exact: None,
            commission_type: Some(&own.commission_type),
            comment: own.comment.as_deref(),
            // It was added when the type could be named.
            comes_again: true,
        };
        // What present rules would refuse cannot be added again.
        let Ok(sale) = sale_of(conversion, context.catalog, at) else {
            continue;
        };
        let Ok(lines) = part_lines(&part, &sale) else {
            continue;
        };
        let approval = InitialApproval::of_added(conversion, sale.program, at);
        let numbers = add_lines(context, conversion, Added { lines, approval, at }, ids, effects)?;
        let new = conversion
            .commissions
            .iter_mut()
            .filter(|new| numbers.contains(&new.id));
        for (new, told) in new.zip(added.iter().skip(index)) {
            inherit_commission(new, told, false);
        }
    }
    Ok(())
}

/// What was said of one commission: approval, as those of an unauthenticated sale start pending, an amount or else a sub amount, a
/// comment. The commission in the same place of the same affiliate is meant. `could_follow`: it followed its sale unless somebody
/// has said something.
fn inherit_commission(commission: &mut Commission, told: &Commission, could_follow: bool) {
    let place = |of: &Commission| (of.affiliate, of.kind, of.commission_type.clone());
    if place(commission) != place(told) {
        return;
    }
    commission.approved = told.approved.or(commission.approved);
    commission.approved_by = told.approved_by;
    commission.comment = told.comment.clone().or(commission.comment.take());
    let was_edited = could_follow && told.share.is_none();
    let said = told.exact.filter(|_| was_edited || told.rate.is_some());
    if said.is_some() && told.currency != commission.currency {
        // The unauthenticated sale named another currency: the amount is no money of this one.
        return;
    }
    let mut edited = commission.clone();
    let set = match said {
        Some(said) => set_amount(&mut edited, said),
        None if was_edited => set_sub_amount(&mut edited, told.sub_amount),
        None => return,
    };
    // Out of range by the present rates: then it stays as it was calculated.
    if set.is_ok() {
        *commission = edited;
    }
}

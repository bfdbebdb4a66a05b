//! Updates, refunds and chargebacks of a recorded conversion. Each changes a copy, which is put back when all has succeeded.

use rust_decimal::Decimal;

use super::{
    Context, Effects, Stop,
    posting::{due_transfers, is_gone, sellers_commissions},
    view,
};
use crate::domain::{
    Applied, Chargeback, ConversionId, ConversionStatus, ConversionView, Event, EventId, MAX_AMOUNT,
    MAX_META_PROPERTIES, MetaChange, MetaData, Reason, Refund, RefundView, Refusal, UpdateConversion, World,
    commission::said,
    entities::{Conversion, RefundEntry},
    money::order_amount,
    pricing::follow_amount,
};

pub(super) fn update_conversion(
    context: &Context<'_>,
    update: &UpdateConversion,
    world: &mut World,
    effects: &mut Effects,
) -> Result<Applied, Stop> {
    let event = context.event;
    let mut conversion = by_order(context, &update.external_id, world)?;
    if let Some(amount) = update.amount.filter(|_| is_newer(event, conversion.amount_by)) {
        let amount = said("amount", amount, conversion.currency)?;
        conversion.amount = in_range("amount", amount)?;
        recalculate(&mut conversion)?;
        conversion.amount_by = Some(event.id);
    }
    if let Some(status) = update.status.filter(|_| is_newer(event, conversion.status_by)) {
        let approved = Some(status == ConversionStatus::Approved);
        for commission in &mut conversion.commissions {
            commission.approved = approved;
        }
        conversion.status = approved;
        conversion.status_by = Some(event.id);
    }
    set_meta_data(event, &mut conversion, update.meta_data.as_ref());
    let view = post_change(context, &mut conversion, world, effects)?;
    world.add_conversion(conversion);
    Ok(Applied::Conversion(Box::new(view)))
}

/// What whoever sends two equal refunds of one sale is told.
const EQUAL_REFUND: &str = "a refund of the same amount was recorded before and this one counts as its repetition: a refund_id of its own would tell them apart";

/// Takes a refund into account. The same refund id again has no further effect, and no more has the same amount without one.
pub(super) fn refund(
    context: &Context<'_>,
    refund: &Refund,
    world: &mut World,
    effects: &mut Effects,
) -> Result<Applied, Stop> {
    let mut conversion = by_order(context, &refund.external_id, world)?;
    let entry = refund_entry(context, refund, &conversion)?;
    let is_known = conversion.refunds.iter().any(|known| entry.repeats(known));
    let is_repeat = is_known || is_gone(&conversion);
    // All of it is all of it, however often it is said.
    let is_partial = entry.amount.is_some();
    let warning = (is_known && is_partial && !entry.has_own_id()).then(|| EQUAL_REFUND.to_owned());
    let before = sellers_commissions(&conversion);
    if !is_known {
        conversion.add_refund(entry.clone());
    }
    let view = post_change(context, &mut conversion, world, effects)?;
    if !is_known {
        effects.refunds.push(entry);
    }
    let applied = RefundView {
        deducted: before - sellers_commissions(&conversion),
        is_full: is_gone(&conversion),
        is_repeat,
        conversion: view,
        warnings: Vec::from_iter(warning),
    };
    world.add_conversion(conversion);
    Ok(Applied::Refund(Box::new(applied)))
}

/// # Errors
/// As [`said`].
fn refund_entry(
    context: &Context<'_>,
    refund: &Refund,
    conversion: &Conversion,
) -> Result<RefundEntry, Refusal> {
    let event = context.event;
    // Without an id of its own a refund is kept under its event's, and known by its amount.
    let key = match &refund.refund_id {
        Some(id) => format!("id:{id}"),
        None => format!("event:{}", event.id),
    };
    let minor_units = refund.minor_units.filter(|_| refund.amount.is_none());
    let amount = refund.amount;
    let amount = amount.map(|amount| said("amount", amount, conversion.currency));
    Ok(RefundEntry {
        org: context.org,
        conversion: conversion.id,
        key,
        event: event.id,
        amount: amount
            .transpose()?
            .or(minor_units.map(|units| of_minor_units(conversion, units))),
        minor_units,
        created_at: event.received_at,
    })
}

/// The bank takes a sale's money back, or gives it again: the latest word counts.
pub(super) fn chargeback(
    context: &Context<'_>,
    chargeback: &Chargeback,
    world: &mut World,
    effects: &mut Effects,
) -> Result<Applied, Stop> {
    let mut conversion = by_order(context, &chargeback.external_id, world)?;
    if is_newer(context.event, conversion.chargeback_by) {
        conversion.charged_back = !chargeback.reversed;
        conversion.chargeback_by = Some(context.event.id);
    }
    let view = post_change(context, &mut conversion, world, effects)?;
    world.add_conversion(conversion);
    Ok(Applied::Conversion(Box::new(view)))
}

/// A copy of the living conversion with this external id, which the key may see.
///
/// # Errors
/// [`Reason::UnknownOrder`]
fn by_order(context: &Context<'_>, order: &str, world: &World) -> Result<Conversion, Refusal> {
    world
        .conversion_of(context.org, order)
        .filter(|conversion| context.event.sees(conversion.program))
        .cloned()
        .ok_or_else(|| {
            Refusal::new(
                Reason::UnknownOrder,
                format!("external_id {order:?} is not known"),
            )
        })
}

/// A copy of the living conversion with this number, which the key may see.
///
/// # Errors
/// [`Reason::UnknownOrder`]
pub(super) fn by_number(
    context: &Context<'_>,
    id: ConversionId,
    world: &World,
) -> Result<Conversion, Refusal> {
    world
        .conversion(context.org, id)
        .filter(|conversion| conversion.deleted_at.is_none() && context.event.sees(conversion.program))
        .cloned()
        .ok_or_else(|| Refusal::new(Reason::UnknownOrder, format!("conversion {id} is not known")))
}

/// Posts what follows from the change of a copy, and shows it. The caller puts the copy back.
///
/// # Errors
/// As [`removed`]; then nothing was posted.
pub(super) fn post_change(
    context: &Context<'_>,
    conversion: &mut Conversion,
    world: &World,
    effects: &mut Effects,
) -> Result<ConversionView, Refusal> {
    conversion.change.touch();
    let transfers = due_transfers(context, conversion);
    let view = view::conversion(conversion, world, context.catalog).ok_or_else(removed)?;
    effects.transfers.extend(transfers);
    Ok(view)
}

pub(super) fn removed() -> Refusal {
    Refusal::new(
        Reason::NotAttributed,
        "the conversion's program or an affiliate of it has been removed",
    )
}

/// Replaces the meta data, unless a later event has done so before.
pub(super) fn set_meta_data(event: &Event, conversion: &mut Conversion, meta_data: Option<&MetaData>) {
    if let Some(meta_data) = meta_data.filter(|_| is_newer(event, conversion.meta_by)) {
        conversion.meta_data.clone_from(meta_data);
        conversion.meta_by = Some(event.id);
    }
}

/// Changes one property, whatever came before or after: it says nothing of the others.
///
/// # Errors
/// [`Reason::TooMany`] for one more than [`MAX_META_PROPERTIES`].
pub(super) fn change_meta_data(data: &mut MetaData, change: &MetaChange) -> Result<(), Refusal> {
    match change {
        MetaChange::Remove { key } => {
            data.remove(key);
        }
        MetaChange::Set { key, value } => {
            if !data.contains_key(key) && data.len() >= MAX_META_PROPERTIES {
                let detail =
                    format!("meta_data has {MAX_META_PROPERTIES} properties, and no room for {key:?}");
                return Err(Refusal::new(Reason::TooMany, detail));
            }
            data.insert(key.clone(), value.clone());
        }
    }
    Ok(())
}

/// A refund that the client counts in the smallest unit of the sale's currency.
pub(super) fn of_minor_units(conversion: &Conversion, units: i64) -> Decimal {
    conversion.currency.of_minor_units(units).min(MAX_AMOUNT)
}

/// Calculates the commissions anew for the conversion's amount, each by the rate that it had.
///
/// # Errors
/// [`Reason::AmountOutOfRange`] above [`MAX_AMOUNT`].
pub(super) fn recalculate(conversion: &mut Conversion) -> Result<(), Refusal> {
    for commission in &mut conversion.commissions {
        follow_amount(commission, conversion.original_amount, conversion.amount)?;
    }
    Ok(())
}

/// An order's amount, or a part of it.
///
/// # Errors
/// [`Reason::AmountOutOfRange`] below zero and above [`MAX_AMOUNT`].
pub(super) fn in_range(field: &str, amount: Decimal) -> Result<Decimal, Refusal> {
    order_amount(amount).ok_or_else(|| {
        let detail = format!("{field} {amount} is not between 0 and {MAX_AMOUNT}");
        Refusal::new(Reason::AmountOutOfRange, detail)
    })
}

/// Whether an event is later than the one that set a field: an older event never overwrites a newer one.
pub(super) fn is_newer(event: &Event, by: Option<EventId>) -> bool {
    by.is_none_or(|by| by < event.id)
}

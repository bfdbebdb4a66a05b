//! Updates, refunds and chargebacks of a recorded conversion. Each changes a copy, which is put back when all has succeeded.

use chrono::{DateTime, SecondsFormat, Utc};
use rust_decimal::Decimal;

use super::{
    Context, Effects, Stop,
    posting::{due_transfers, is_gone, sellers_commissions},
    view,
};
use crate::domain::{
    Applied, Chargeback, ConversionId, ConversionStatus, ConversionView, MAX_AMOUNT, MAX_META_PROPERTIES,
    MetaChange, MetaData, Reason, Refund, RefundView, Refusal, UpdateConversion, World,
    commission::said,
    entities::{Conversion, RefundEntry},
    money::order_amount,
    pricing::follow_amount,
    trace::Outdated,
    writer::Writer,
};

pub(super) fn update_conversion(
    context: &Context<'_>,
    update: &UpdateConversion,
    world: &mut World,
    effects: &mut Effects,
) -> Result<Applied, Stop> {
    let writer = Writer::new(context.event, update.occurred_at);
    let mut conversion = by_order(context, &update.external_id, world)?;
    let outdated = outdated(writer, &conversion, update);
    if let Some(amount) = update.amount.filter(|_| writer.is_after(conversion.amount_by)) {
        let amount = said("amount", amount, conversion.currency)?;
        conversion.amount = in_range("amount", amount)?;
        recalculate(&mut conversion)?;
        conversion.amount_by = Some(writer);
    }
    if let Some(status) = update.status.filter(|_| writer.is_after(conversion.status_by)) {
        set_status(writer, &mut conversion, status);
    }
    set_meta_data(writer, &mut conversion, update.meta_data.as_ref());
    let told = note_outdated(&mut conversion, outdated);
    let mut view = post_change(context, &mut conversion, world, effects)?;
    view.warnings.extend(told);
    world.add_conversion(conversion);
    Ok(Applied::Conversion(Box::new(view)))
}

/// A status is said of all commissions that are there. What was said later of one alone stands.
fn set_status(writer: Writer, conversion: &mut Conversion, status: ConversionStatus) {
    let approved = Some(status == ConversionStatus::Approved);
    for commission in &mut conversion.commissions {
        if writer.is_after(commission.approved_by.map(Writer::of)) {
            commission.approved = approved;
        }
    }
    conversion.status = approved;
    conversion.status_by = Some(writer);
}

/// Which fields of an update a later change has set before.
fn outdated(writer: Writer, conversion: &Conversion, update: &UpdateConversion) -> Vec<Outdated> {
    [
        ("amount", update.amount.is_some(), conversion.amount_by),
        ("status", update.status.is_some(), conversion.status_by),
        ("meta_data", update.meta_data.is_some(), conversion.meta_by),
    ]
    .into_iter()
    .filter_map(|(field, is_sent, by)| is_sent.then(|| outdated_by(writer, field, by)).flatten())
    .collect()
}

/// `None`: the change counts.
pub(super) fn outdated_by(writer: Writer, field: &str, by: Option<Writer>) -> Option<Outdated> {
    let by = by.filter(|_| !writer.is_after(by))?;
    Some(Outdated {
        field: field.to_owned(),
        event: writer.event,
        at: writer.at,
        by: by.event,
        by_at: by.at,
    })
}

/// Keeps with the sale what came too late to count, and says it.
pub(super) fn note_outdated(conversion: &mut Conversion, outdated: Vec<Outdated>) -> Vec<String> {
    let told = outdated.iter().map(|outdated| {
        let Outdated {
            field, at, by, by_at, ..
        } = outdated;
        let (at, by_at) = (short(*at), short(*by_at));
        format!("{field} is of {at} and changes nothing: event {by} set it at {by_at}, which is later")
    });
    let told = told.collect();
    for outdated in outdated {
        conversion.trace.add_outdated(outdated);
    }
    told
}

fn short(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::AutoSi, true)
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
    let writer = Writer::new(context.event, chargeback.occurred_at);
    let outdated = outdated_by(writer, "chargeback", conversion.chargeback_by);
    if outdated.is_none() {
        conversion.charged_back = !chargeback.reversed;
        conversion.chargeback_by = Some(writer);
    }
    let told = note_outdated(&mut conversion, outdated.into_iter().collect());
    let mut view = post_change(context, &mut conversion, world, effects)?;
    view.warnings.extend(told);
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

/// Replaces the meta data, unless a later change has done so before.
pub(super) fn set_meta_data(writer: Writer, conversion: &mut Conversion, meta_data: Option<&MetaData>) {
    if let Some(meta_data) = meta_data.filter(|_| writer.is_after(conversion.meta_by)) {
        conversion.meta_data.clone_from(meta_data);
        conversion.meta_by = Some(writer);
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

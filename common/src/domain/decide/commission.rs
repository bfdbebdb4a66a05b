//! Commissions added to a conversion, and changed one by one.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;

use super::{
    Context, Effects, Stop,
    approval::{InitialApproval, hold},
    calendar::first_repetition,
    change::{by_number, in_range, post_change, removed},
    effects::transfers_to,
    posting::post_transfers,
    sub_amount::change_sale,
    view,
};
use crate::domain::{
    AddCommissions, Applied, CommissionId, CommissionView, EditCommission, Reason, Refusal, World,
    catalog::OrgCatalog,
    commission::{Line, Part, Sale, part_lines, said},
    entities::{Change, Commission, Conversion},
    ledger::CommissionBalance,
    pricing::{adopt, set_amount, set_sub_amount},
    world::{IdPool, PoolExhausted},
    writer::Writer,
};

pub(super) fn add_commissions(
    context: &Context<'_>,
    add: &AddCommissions,
    world: &mut World,
    effects: &mut Effects,
) -> Result<Applied, Stop> {
    let at = context.event.received_at;
    let mut conversion = by_number(context, add.conversion, world)?;
    let sale = sale_of(&conversion, context.catalog, at)?;
    let lines = added_lines(add, &sale)?;
    let approval = InitialApproval::of_added(&conversion, sale.program, at);
    let added = Added { lines, approval, at };
    let ids = attach(context, &mut conversion, added, &mut world.ids, effects)?;
    let views = views(&conversion, &ids, context.catalog);
    world.add_conversion(conversion);
    Ok(Applied::Commissions(views))
}

/// Commissions to add to a conversion.
pub(super) struct Added {
    pub lines: Vec<Line>,
    pub approval: InitialApproval,
    /// The time of the commissions.
    pub at: DateTime<Utc>,
}

/// Adds commissions that do not follow the conversion's amount, and posts their transfers. Those of the seller come again as their
/// type says, counted from when they are added; repetitions are of another kind, and planned by whoever adds them.
pub(super) fn attach(
    context: &Context<'_>,
    conversion: &mut Conversion,
    added: Added,
    ids: &mut IdPool,
    effects: &mut Effects,
) -> Result<Vec<CommissionId>, PoolExhausted> {
    conversion.change.touch();
    let numbers = add_lines(context, conversion, added, ids, effects)?;
    post_transfers(context, conversion, effects);
    Ok(numbers)
}

/// [`attach`] without transfers: the caller posts them.
pub(super) fn add_lines(
    context: &Context<'_>,
    conversion: &mut Conversion,
    added: Added,
    ids: &mut IdPool,
    effects: &mut Effects,
) -> Result<Vec<CommissionId>, PoolExhausted> {
    let Added { lines, approval, at } = added;
    let mut numbers = Vec::with_capacity(lines.len());
    for line in lines {
        // The trace has a rule for each commission, in their order; rows of earlier versions have none.
        if conversion.trace.rules.len() == conversion.commissions.len() {
            conversion.trace.rules.push(line.rule.clone());
        }
        let line = Line { share: None, ..line };
        let recurrence = line.recurrence;
        let commission = new_commission(line, approval, at, ids)?;
        let next = first_repetition(context, conversion, &commission, recurrence);
        effects.schedules.extend(next);
        numbers.push(commission.id);
        conversion.commissions.push(commission);
    }
    if let Some(due_at) = approval.finalised_at.filter(|_| !numbers.is_empty()) {
        effects.schedules.push(hold(context, conversion.id, due_at));
    }
    Ok(numbers)
}

pub(super) fn edit_commission(
    context: &Context<'_>,
    edit: &EditCommission,
    world: &mut World,
    effects: &mut Effects,
) -> Result<Applied, Stop> {
    let id = edit.commission;
    let Some(&owner) = world.commission_owners.get(&id) else {
        return edit_bonus(context, edit, world, effects);
    };
    let mut conversion = by_number(context, owner, world).map_err(|_unseen| unknown(id))?;
    let commission = conversion
        .commissions
        .iter_mut()
        .find(|commission| commission.id == id)
        .ok_or_else(|| unknown(id))?;
    let before = commission.sub_amount;
    let judge = Writer::of(context.event.id).is_after(conversion.status_by);
    change_commission(context, commission, edit, judge)?;
    let is_calculated = edit.sub_amount.is_some() && commission.rate.is_some();
    if edit.amount.is_some() || is_calculated {
        let by_hand = &mut conversion.trace.set_by_hand;
        by_hand.retain(|set| *set != id);
        // A recalculation leaves it alone from now on.
        by_hand.extend(edit.amount.map(|_amount| id));
    }
    if edit.sub_amount.is_some() {
        change_sale(context.event, &mut conversion, id, before)?;
    }
    let view = post_change(context, &mut conversion, world, effects)?;
    world.add_conversion(conversion);
    let mut commissions = view.commissions.into_iter();
    let view = commissions
        .find(|commission| commission.id == id)
        .ok_or_else(|| unknown(id))?;
    Ok(Applied::Commission(Box::new(view)))
}

/// A commission as its caller may see it, who may not see all.
pub(super) fn shown(context: &Context<'_>, id: CommissionId, world: &World) -> Option<CommissionView> {
    let Some(&owner) = world.commission_owners.get(&id) else {
        return view::commission(bonus(context, id, world)?, None, context.catalog);
    };
    let conversion = by_number(context, owner, world).ok()?;
    views(&conversion, &[id], context.catalog).pop()
}

/// A bonus belongs to no conversion and so to no program that could be compared with the key's: a key that is bound to a
/// program sees none.
fn bonus<'w>(context: &Context<'_>, id: CommissionId, world: &'w World) -> Option<&'w Commission> {
    let (org, bonus) = world.bonuses.get(&id)?;
    (*org == context.org && context.event.program_scope.is_none()).then_some(bonus)
}

fn edit_bonus(
    context: &Context<'_>,
    edit: &EditCommission,
    world: &mut World,
    effects: &mut Effects,
) -> Result<Applied, Stop> {
    let id = edit.commission;
    let mut bonus = bonus(context, id, world).cloned().ok_or_else(|| unknown(id))?;
    change_commission(context, &mut bonus, edit, true)?;
    bonus.change.touch();
    adopt(&mut bonus, Decimal::ZERO, None);
    (bonus.amount, bonus.settled_on) = (bonus.gross, Some(Decimal::ZERO));
    let view = view::commission(&bonus, None, context.catalog).ok_or_else(removed)?;
    let target = CommissionBalance::target(bonus.amount, bonus.approved);
    effects
        .transfers
        .extend(transfers_to(context, &mut bonus, target));
    world.bonuses.insert(id, (context.org, bonus));
    Ok(Applied::Commission(Box::new(view)))
}

fn unknown(id: CommissionId) -> Refusal {
    Refusal::new(Reason::UnknownCommission, format!("commission {id} is not known"))
}

/// A commission that starts as the program says.
pub(super) fn new_commission(
    line: Line,
    approval: InitialApproval,
    at: DateTime<Utc>,
    ids: &mut IdPool,
) -> Result<Commission, PoolExhausted> {
    Ok(Commission {
        change: Change::Insert,
        id: ids.commission()?,
        affiliate: line.affiliate,
        kind: line.kind,
        commission_type: line.commission_type,
        commission_name: line.name,
        rate: line.rate,
        sub_amount: line.sub_amount,
        share: line.share,
        followed: None,
        exact: line.exact,
        gross: line.gross.amount(),
        amount: line.gross.amount(),
        settled_on: Some(Decimal::ZERO),
        currency: line.gross.currency(),
        approved: approval.approved,
        approved_by: None,
        finalised_at: approval.finalised_at,
        balance: CommissionBalance::default(),
        payment: None,
        comment: line.comment,
        created_at: at,
    })
}

/// What further commissions of a conversion are calculated by.
///
/// # Errors
/// [`Reason::NotAttributed`] when its program, its affiliate or the affiliate's part in it is gone.
pub(super) fn sale_of<'a>(
    conversion: &Conversion,
    catalog: &'a OrgCatalog,
    at: DateTime<Utc>,
) -> Result<Sale<'a>, Refusal> {
    let program = catalog.program(conversion.program);
    let affiliation = catalog.affiliation(conversion.program, conversion.affiliate);
    let (Some(program), Some(affiliation), Some(_)) =
        (program, affiliation, catalog.affiliate(conversion.affiliate))
    else {
        return Err(removed());
    };
    Ok(Sale {
        affiliation,
        program,
        catalog,
        at,
        currency: conversion.currency,
    })
}

/// The commissions of a conversion with these numbers.
pub(super) fn views(
    conversion: &Conversion,
    ids: &[CommissionId],
    catalog: &OrgCatalog,
) -> Vec<CommissionView> {
    let named = conversion
        .commissions
        .iter()
        .filter(|commission| ids.contains(&commission.id));
    named
        .filter_map(|commission| view::commission(commission, Some(conversion.id), catalog))
        .collect()
}

fn added_lines(add: &AddCommissions, sale: &Sale<'_>) -> Result<Vec<Line>, Refusal> {
    let mut lines = Vec::new();
    for line in &add.lines {
        let part = Part {
            sub_amount: in_range("sub_amount", said("sub_amount", line.sub_amount, sale.currency)?)?,
            exact: None,
            commission_type: line.commission_type.as_deref(),
            comment: line.comment.as_deref(),
            comes_again: false,
        };
        lines.extend(part_lines(&part, sale)?);
    }
    Ok(lines)
}

/// An amount wins over a sub amount, and after both the commission no longer follows the sale. The rate stays: a later sub
/// amount is calculated by it again (seed: REST 1.6, `conversion_sub_amount`). `judge`: nobody has said the status of the sale for a
/// later time.
fn change_commission(
    context: &Context<'_>,
    commission: &mut Commission,
    edit: &EditCommission,
    judge: bool,
) -> Result<(), Refusal> {
    if edit.only_pending && commission.approved.is_some() {
        return Ok(());
    }
    if let Some(sub_amount) = edit.sub_amount {
        let sub_amount = said("sub_amount", sub_amount, commission.currency)?;
        set_sub_amount(commission, in_range("sub_amount", sub_amount)?)?;
    }
    if let Some(amount) = edit.amount {
        set_amount(commission, said("amount", amount, commission.currency)?)?;
    }
    let judge = judge && commission.approved_by < Some(context.event.id);
    if let Some(approved) = edit.approved.filter(|_| judge) {
        commission.approved = Some(approved);
        commission.approved_by = Some(context.event.id);
    }
    commission.comment = edit.comment.clone().or(commission.comment.take());
    Ok(())
}

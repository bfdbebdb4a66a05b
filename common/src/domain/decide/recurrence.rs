//! Commissions that come again by themselves while the customer stays.

use chrono::{DateTime, Utc};

use super::{
    Context, Effects, Stop,
    approval::InitialApproval,
    change::by_number,
    commission::{Added, attach, sale_of, views},
    customer_record::change_customer,
    limits::{is_beyond_limits, is_cap_used_up},
    posting::is_gone,
};
use crate::domain::{
    Applied, CustomerId, Reason, Refusal, Repetition, World,
    catalog::{Program, Recurrence},
    commission::{Line, Part, part_lines, recurs_after},
    entities::{CommissionKind, Conversion, Customer, Schedule, ScheduleKind, Standing},
    recalculation::said,
    world::PoolExhausted,
};

/// Why nothing comes again, now or ever.
struct Halt {
    refusal: Refusal,
    /// It may have passed by the next time.
    passes: bool,
}

pub(super) fn recur(
    context: &Context<'_>,
    due: &Repetition,
    world: &mut World,
    effects: &mut Effects,
) -> Result<Applied, Stop> {
    match repeat(context, due, world) {
        Ok(repeat) => Ok(add_repeat(context, due, repeat, world, effects)?),
        Err(halt) => {
            if halt.passes {
                skip(context, due, world, effects);
            }
            Err(halt.refusal.into())
        }
    }
}

/// What comes again, by the rules of the moment when it is due.
fn repeat<'a>(context: &Context<'a>, due: &Repetition, world: &World) -> Result<Repeat<'a>, Halt> {
    let conversion = by_number(context, due.conversion, world)
        .map_err(|_unknown| ended("the conversion has been deleted"))?;
    let sale = sale_of(&conversion, context.catalog, due.due).map_err(Halt::forever)?;
    if sale.program.is_retired_at(due.due) {
        return Err(ended("the program has been retired"));
    }
    let customer = repeats_for(context, &conversion, world)?;
    if is_gone(&conversion) {
        return Err(nothing_left(&conversion));
    }
    if sale.affiliation.approved != Some(true) {
        return Err(passing("the affiliate may not earn in the program at present"));
    }
    let mut commissions = conversion.commissions.iter().enumerate();
    let (index, started) = commissions
        .find(|(_, commission)| commission.id == due.commission)
        .ok_or_else(|| ended("the commission that started it is not known"))?;
    if started.approved == Some(false) {
        return Err(passing("the commission that started it is disapproved"));
    }
    // Lines of one sale that fall due together count towards the cap once, and are capped together.
    let is_first = !conversion
        .commissions
        .iter()
        .any(|commission| commission.kind == CommissionKind::Recurring && commission.created_at == due.due);
    let standing = customer.in_program(sale.program.id);
    if is_first && standing.is_some_and(|standing| is_beyond_limits(standing, sale.program, due.due)) {
        return Err(passing("the customer has reached the program's limit"));
    }
    let part = Part {
        sub_amount: started.sub_amount,
        // What somebody has said comes again as it is; what was calculated is calculated anew.
        exact: said(
            started,
            conversion.original_amount,
            conversion.trace.rules.get(index),
        )
        .map(|said| (said, started.currency)),
        commission_type: Some(&started.commission_type),
        comment: None,
        comes_again: true,
    };
    let mut lines = part_lines(&part, &sale).map_err(Halt::forever)?;
    for line in &mut lines {
        line.kind = CommissionKind::Recurring;
    }
    Ok(Repeat {
        customer: customer.id,
        program: sale.program,
        lines,
        // An unauthenticated sale does not count towards the cap.
        may_count: is_first && conversion.authenticated,
        conversion,
    })
}

/// Nothing is left of the sale. A chargeback may be reversed, and an update may make the sale more than what was given back: then it
/// comes again from the next time on, and what was passed over is not made up for. A refund of all is for good.
fn nothing_left(conversion: &Conversion) -> Halt {
    if conversion.fully_refunded {
        return ended("the sale has been refunded in full");
    }
    passing(if conversion.charged_back {
        "the bank has taken the sale's money back"
    } else {
        "refunds have taken all of the sale"
    })
}

/// The customer, who must be there still.
fn repeats_for<'w>(
    context: &Context<'_>,
    conversion: &Conversion,
    world: &'w World,
) -> Result<&'w Customer, Halt> {
    let customer = conversion.customer.and_then(|id| world.customer(context.org, id));
    let customer = customer
        .filter(|customer| customer.deleted_at.is_none())
        .ok_or_else(|| ended("the customer has been deleted"))?;
    if customer.canceled {
        return Err(ended("the customer has been cancelled"));
    }
    Ok(customer)
}

fn add_repeat(
    context: &Context<'_>,
    due: &Repetition,
    repeat: Repeat<'_>,
    world: &mut World,
    effects: &mut Effects,
) -> Result<Applied, PoolExhausted> {
    let Repeat {
        customer,
        program,
        lines,
        may_count,
        mut conversion,
    } = repeat;
    let own = lines.first();
    let counts = may_count && own.is_some_and(|line| line.counts_towards_cap);
    let recurrence = own.map(|line| line.recurrence).unwrap_or_default();
    let added = Added {
        approval: InitialApproval::new(program, conversion.is_fully_authenticated(), due.due),
        lines,
        at: due.due,
    };
    conversion.counts_towards_cap += i32::from(counts);
    let ids = attach(context, &mut conversion, added, &mut world.ids, effects)?;
    change_customer(world, context.org, customer, |customer| {
        // A worker of the version before, which runs beside this one or did after a rollback, leaves none in a second program.
        if customer.in_program(program.id).is_none() {
            customer.add_elsewhere(standing_of(&conversion), conversion.event, conversion.created_at);
        }
        if let Some(standing) = customer.in_program_mut(program.id) {
            standing.counted_towards_cap += i64::from(counts);
            standing.capped = is_cap_used_up(standing, program, context.event.received_at);
        }
    });
    if let Some(first) = started_at(&conversion, due) {
        plan(context, due, first, recurrence, effects);
    }
    let views = views(&conversion, &ids, context.catalog);
    world.add_conversion(conversion);
    Ok(Applied::Commissions(views))
}

/// Where the customer of a sale stands in the sale's program, if that sale is all that is known of it there.
fn standing_of(conversion: &Conversion) -> Standing {
    Standing {
        program: conversion.program,
        affiliate: conversion.affiliate,
        click: conversion.click,
        authenticated: conversion.is_fully_authenticated(),
        counted_towards_cap: 0,
        first_sale_at: conversion.authenticated.then_some(conversion.created_at),
        capped: false,
    }
}

/// Nothing comes this time; it is looked at again when it is due next.
fn skip(context: &Context<'_>, due: &Repetition, world: &World, effects: &mut Effects) {
    let Ok(conversion) = by_number(context, due.conversion, world) else {
        return;
    };
    let mut commissions = conversion.commissions.iter();
    let started = commissions.find(|commission| commission.id == due.commission);
    let rule = started.and_then(|commission| {
        let program = context.catalog.program(conversion.program)?;
        program.commission_type(&commission.commission_type, due.due)
    });
    if let Some((rule, started)) = rule.zip(started) {
        plan(context, due, started.created_at, rule.recurrence, effects);
    }
}

/// When the commission that comes again came for the first time: with the sale, or when it was added.
fn started_at(conversion: &Conversion, due: &Repetition) -> Option<DateTime<Utc>> {
    let mut commissions = conversion.commissions.iter();
    let started = commissions.find(|commission| commission.id == due.commission)?;
    Some(started.created_at)
}

/// Puts the next repetition on the calendar, counted from the `first` time.
fn plan(
    context: &Context<'_>,
    due: &Repetition,
    first: DateTime<Utc>,
    recurrence: Recurrence,
    effects: &mut Effects,
) {
    let next = recurs_after(first, recurrence, due.due);
    let period = i32::try_from(due.period.saturating_add(1));
    if let (Some(due_at), Ok(period)) = (next, period) {
        effects.schedules.push(Schedule {
            org: context.org,
            what: ScheduleKind::Recurrence,
            subject: due.commission.0,
            period,
            conversion: due.conversion,
            due_at,
        });
    }
}

/// What a repetition adds.
struct Repeat<'a> {
    conversion: Conversion,
    customer: CustomerId,
    program: &'a Program,
    /// The seller's line, then the levels.
    lines: Vec<Line>,
    may_count: bool,
}

impl Halt {
    fn forever(refusal: Refusal) -> Self {
        Self {
            refusal,
            passes: false,
        }
    }
}

fn ended(detail: &str) -> Halt {
    Halt::forever(Refusal::new(Reason::RecurrenceEnded, detail))
}

/// For now.
fn passing(detail: &str) -> Halt {
    Halt {
        refusal: Refusal::new(Reason::RecurrenceSkipped, detail),
        passes: true,
    }
}

//! A bonus that was given is calculated again when its month has changed: sales were given back, or came late. It ends as if it were
//! decided now, by the definition that held when it was given, so that the order of refunds and bonuses does not matter.
//!
//! A target that is reached no more brings nothing, and is reached again when a chargeback is reversed. What a payment covers and what
//! somebody has set by hand stays.

use rust_decimal::Decimal;

use super::{
    Context, Effects,
    bonus::{lines, reached},
    effects::transfers_to,
    view,
};
use crate::domain::{
    Applied, BonusDue, Reason, Refusal, World,
    commission::Line,
    entities::{Commission, GivenBonus},
    ledger::CommissionBalance,
};

pub(super) fn give_again(
    context: &Context<'_>,
    due: &BonusDue,
    given: &GivenBonus,
    world: &mut World,
    effects: &mut Effects,
) -> Result<Applied, Refusal> {
    let lines = due_lines(context, due, given, world)?;
    let mut views = Vec::new();
    for id in &given.commissions {
        let Some((org, before)) = world.bonuses.get(id) else {
            continue;
        };
        // What is paid is paid, and what somebody says no longer follows.
        if *org != context.org || before.payment.is_some() || before.share.is_none() {
            continue;
        }
        let line = lines.iter().find(|line| line.gross.currency() == before.currency);
        let mut after = follows(before, line);
        if after == *before {
            continue;
        }
        after.change.touch();
        let target = CommissionBalance::target(after.amount, after.approved);
        effects
            .transfers
            .extend(transfers_to(context, &mut after, target));
        views.extend(view::commission(&after, None, context.catalog));
        world.bonuses.insert(*id, (context.org, after));
    }
    Ok(if views.is_empty() {
        Applied::Nothing
    } else {
        Applied::Commissions(views)
    })
}

/// What the month brings now; nothing where the target is reached no more.
fn due_lines(
    context: &Context<'_>,
    due: &BonusDue,
    given: &GivenBonus,
    world: &World,
) -> Result<Vec<Line>, Refusal> {
    let program = context.catalog.program(due.program);
    let program = program.ok_or_else(|| {
        let detail = format!("program {} has been removed", due.program);
        Refusal::new(Reason::NotAttributed, detail)
    })?;
    let sales = world.monthly_sales.get(&context.event.id);
    match sales.filter(|sales| reached(&given.bonus, program, sales) >= given.bonus.target) {
        Some(sales) => lines(&given.bonus, program, sales, due.affiliate),
        None => Ok(Vec::new()),
    }
}

fn follows(before: &Commission, line: Option<&Line>) -> Commission {
    let (sub_amount, gross, exact) = match line {
        Some(line) => (line.sub_amount, line.gross.amount(), line.exact),
        None => (
            Decimal::ZERO,
            Decimal::ZERO,
            before.exact.map(|_said| Decimal::ZERO),
        ),
    };
    Commission {
        sub_amount,
        share: Some(sub_amount),
        exact,
        gross,
        amount: gross,
        settled_on: Some(Decimal::ZERO),
        ..before.clone()
    }
}

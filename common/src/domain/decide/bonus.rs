//! Bonuses: commissions for reaching a target in a calendar month (seed: REST 1.6, program bonuses). A bonus that was given is
//! calculated again when its month changes, as long as it is not paid: see `bonus_again`.

use chrono::{Months, NaiveDate, NaiveTime};
use rust_decimal::Decimal;

use super::{
    BonusAward, Context, Effects, Stop, approval::InitialApproval, commission::new_commission,
    effects::transfers_to, view,
};
use crate::domain::{
    AffiliateId, Applied, BonusDue, Money, Reason, Refusal, World,
    catalog::{Bonus, BonusTarget, Program, Rate, Recurrence},
    commission::Line,
    entities::{CommissionKind, GivenBonus, MonthlySales},
    ledger::CommissionBalance,
    pricing::{exact_percentage, money, percentage, stored_rate},
    trace::{Rule, RuleSource},
};

pub(super) fn give_bonus(
    context: &Context<'_>,
    due: &BonusDue,
    world: &mut World,
    effects: &mut Effects,
) -> Result<Applied, Stop> {
    let (bonus, lines) = earned(context, due, world, effects)?;
    let mut views = Vec::with_capacity(lines.len());
    let mut commissions = Vec::with_capacity(lines.len());
    for line in lines {
        // Bonuses wait for a person, whatever the program says.
        let pending = InitialApproval::default();
        let mut commission = new_commission(line, pending, context.event.received_at, &mut world.ids)?;
        let target = CommissionBalance::target(commission.amount, commission.approved);
        effects
            .transfers
            .extend(transfers_to(context, &mut commission, target));
        views.extend(view::commission(&commission, None, context.catalog));
        commissions.push(commission.id);
        world.bonuses.insert(commission.id, (context.org, commission));
    }
    effects.bonus_awards.push(BonusAward {
        org: context.org,
        due: due.clone(),
        event: context.event.id,
        given: GivenBonus { bonus, commissions },
    });
    Ok(Applied::Commissions(views))
}

/// The bonus and its commission lines, if the target was reached.
fn earned(
    context: &Context<'_>,
    due: &BonusDue,
    world: &World,
    effects: &Effects,
) -> Result<(Bonus, Vec<Line>), Refusal> {
    if context.catalog.affiliate(due.affiliate).is_none() {
        let detail = format!("affiliate {} has been removed", due.affiliate);
        return Err(Refusal::new(Reason::UnknownAffiliate, detail));
    }
    let (program, bonus) = active_bonus(context, due)
        .ok_or_else(|| missed(format!("bonus {:?} is not active in {}", due.bonus, due.month)))?;
    let sales = world.monthly_sales.get(&context.event.id);
    let sales = sales.ok_or_else(|| missed("there were no sales in the month"))?;
    // An award of this very batch is not among those that were loaded.
    let mut given_now = effects.bonus_awards.iter();
    if sales.awarded || given_now.any(|award| (award.org, &award.due) == (context.org, due)) {
        return Err(missed("the bonus has been given for this month"));
    }
    let reached = reached(bonus, program, sales);
    if reached < bonus.target {
        return Err(missed(format!("{reached} of {} was reached", bonus.target)));
    }
    Ok((bonus.clone(), lines(bonus, program, sales, due.affiliate)?))
}

/// What counts towards the target.
pub(super) fn reached(bonus: &Bonus, program: &Program, sales: &MonthlySales) -> Decimal {
    match bonus.target_type {
        BonusTarget::ConversionCount => Decimal::from(sales.conversions),
        BonusTarget::ConversionAmount => sold(sales, program),
    }
}

fn active_bonus<'a>(context: &Context<'a>, due: &BonusDue) -> Option<(&'a Program, &'a Bonus)> {
    let program = context.catalog.program(due.program)?;
    let mut bonuses = program.bonuses.iter();
    let bonus = bonuses.find(|bonus| bonus.identifier == due.bonus)?;
    is_active(bonus, due.month).then_some((program, bonus))
}

/// Whether any day of the month is within the bonus's dates, and the month ended after the bonus was declared and before it was
/// retired.
fn is_active(bonus: &Bonus, month: NaiveDate) -> bool {
    let next = month.checked_add_months(Months::new(1));
    let ends = next.map(|next| next.and_time(NaiveTime::MIN).and_utc());
    bonus.active
        && bonus
            .declared_at
            .is_none_or(|declared| ends.is_some_and(|ends| declared < ends))
        && bonus
            .retired_at
            .is_none_or(|retired| ends.is_some_and(|ends| ends <= retired))
        && bonus
            .start_date
            .is_none_or(|start| next.is_none_or(|next| start < next))
        && bonus.end_date.is_none_or(|end| end >= month)
}

/// The sum of amounts in the program's currency.
fn sold(sales: &MonthlySales, program: &Program) -> Decimal {
    let own = sales
        .amounts
        .iter()
        .filter(|(currency, _)| *currency == program.currency);
    own.map(|(_, amount)| *amount).sum()
}

/// A percentage is paid in each currency that was sold in, a fixed amount in the program's.
pub(super) fn lines(
    bonus: &Bonus,
    program: &Program,
    sales: &MonthlySales,
    affiliate: AffiliateId,
) -> Result<Vec<Line>, Refusal> {
    let line = |rate: Option<Decimal>, exact: Decimal, sub_amount: Decimal, gross: Money| Line {
        affiliate,
        kind: CommissionKind::Bonus,
        commission_type: bonus.identifier.clone(),
        name: bonus.title.clone(),
        rate,
        exact: rate.is_none().then_some(exact),
        sub_amount,
        gross,
        comment: None,
        // It follows the month until somebody says something else.
        share: Some(sub_amount),
        recurrence: Recurrence::Once,
        counts_towards_cap: false,
        rule: Rule {
            source: RuleSource::Type,
            commission_type: bonus.identifier.clone(),
            since: None,
            percent: rate,
            exact,
            currency: None,
        },
    };
    match bonus.rate {
        Rate::Fixed(amount) => {
            let gross = money(amount, program.currency)?;
            Ok(vec![line(None, amount, Decimal::ZERO, gross)])
        }
        Rate::Percentage(percent) => {
            let percent = stored_rate(percent);
            let sold = sales.amounts.iter().filter(|(_, amount)| !amount.is_zero());
            sold.map(|(currency, amount)| {
                let gross = percentage(*amount, percent, *currency)?;
                Ok(line(
                    Some(percent),
                    exact_percentage(*amount, percent),
                    *amount,
                    gross,
                ))
            })
            .collect()
        }
    }
}

fn missed(detail: impl Into<String>) -> Refusal {
    Refusal::new(Reason::TargetMissed, detail)
}

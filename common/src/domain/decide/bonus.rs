//! Bonuses: commissions for reaching a target in a calendar month (seed: REST 1.6, program bonuses).

use chrono::{Months, NaiveDate};
use rust_decimal::Decimal;

use super::{BonusAward, Decisions, PoolExhausted, conversion::InitialApproval, view};
use crate::domain::{
    AffiliateId, Applied, Event, Money, ProgramId, Reason, Refusal,
    catalog::{Bonus, BonusTarget, OrgCatalog, Program, Rate, Recurrence},
    commission::{Line, money, percentage},
    entities::{CommissionKind, MonthlySales},
    ledger::Position,
    trace::{Rule, RuleSource},
};

/// A bonus to hand out for a month.
#[derive(Clone, Copy, Debug)]
pub(super) struct BonusDue<'a> {
    pub program: ProgramId,
    pub bonus: &'a str,
    pub affiliate: AffiliateId,
    /// Its first day.
    pub month: NaiveDate,
}

impl Decisions {
    pub(super) fn bonus(
        &mut self,
        event: &Event,
        due: &BonusDue<'_>,
    ) -> Result<Result<Applied, Refusal>, PoolExhausted> {
        self.with_catalog(event, |this, catalog| match this.earned(event, due, catalog) {
            Ok(lines) => Ok(Ok(this.award(event, due, lines, catalog)?)),
            Err(refusal) => Ok(Err(refusal)),
        })
    }

    /// The bonus as commission lines, if the target was reached.
    fn earned(&self, event: &Event, due: &BonusDue<'_>, catalog: &OrgCatalog) -> Result<Vec<Line>, Refusal> {
        let affiliate = catalog.affiliate(due.affiliate).ok_or_else(|| {
            let detail = format!("affiliate {} has been removed", due.affiliate);
            Refusal::new(Reason::UnknownAffiliate, detail)
        })?;
        let program = catalog.program(due.program);
        let bonus = program.and_then(|program| {
            let mut all = program.bonuses.iter();
            Some((program, all.find(|bonus| bonus.identifier == due.bonus)?))
        });
        let (program, bonus) = bonus
            .filter(|(_, bonus)| is_active(bonus, due.month))
            .ok_or_else(|| missed(format!("bonus {:?} is not active in {}", due.bonus, due.month)))?;
        let sales = self.world.monthly_sales.get(&event.id);
        let sales = sales.ok_or_else(|| missed("there were no sales in the month"))?;
        let is_repeat = self.bonus_awards.iter().any(|one| is_for(one, event, due));
        if sales.awarded || is_repeat {
            return Err(missed("the bonus has been given for this month"));
        }
        let reached = match bonus.target_type {
            BonusTarget::ConversionCount => Decimal::from(sales.conversions),
            BonusTarget::ConversionAmount => sold(sales, program),
        };
        if reached < bonus.target {
            return Err(missed(format!("{reached} of {} was reached", bonus.target)));
        }
        lines(bonus, program, sales, affiliate.id)
    }

    /// Bonuses wait for a person, whatever the program says.
    fn award(
        &mut self,
        event: &Event,
        due: &BonusDue<'_>,
        lines: Vec<Line>,
        catalog: &OrgCatalog,
    ) -> Result<Applied, PoolExhausted> {
        let mut views = Vec::with_capacity(lines.len());
        for line in lines {
            let pending = InitialApproval::default();
            let mut commission = self.new_commission(line, pending, event.received_at)?;
            let target = Position::target(commission.amount, commission.approved);
            self.post(event.org, &mut commission, target, event);
            views.extend(view::commission(&commission, None, catalog));
            self.world.bonuses.insert(commission.id, (event.org, commission));
        }
        self.bonus_awards.push(key(event, due));
        Ok(Applied::Commissions(views))
    }
}

fn key(event: &Event, due: &BonusDue<'_>) -> BonusAward {
    BonusAward {
        org: event.org,
        program: due.program,
        bonus: due.bonus.to_owned(),
        affiliate: due.affiliate,
        month: due.month,
        event: event.id,
    }
}

fn is_for(award: &BonusAward, event: &Event, due: &BonusDue<'_>) -> bool {
    let award = (
        award.org,
        award.program,
        award.bonus.as_str(),
        award.affiliate,
        award.month,
    );
    award == (event.org, due.program, due.bonus, due.affiliate, due.month)
}

/// Whether any day of the month is within the bonus's dates.
fn is_active(bonus: &Bonus, month: NaiveDate) -> bool {
    let next = month.checked_add_months(Months::new(1));
    bonus.active
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
fn lines(
    bonus: &Bonus,
    program: &Program,
    sales: &MonthlySales,
    affiliate: AffiliateId,
) -> Result<Vec<Line>, Refusal> {
    let line = |rate: Option<Decimal>, sub_amount: Decimal, gross: Money| Line {
        affiliate,
        kind: CommissionKind::Bonus,
        commission_type: bonus.identifier.clone(),
        name: bonus.title.clone(),
        rate,
        sub_amount,
        gross,
        comment: None,
        part: None,
        recurrence: Recurrence::Once,
        counts_towards_cap: false,
        rule: Rule {
            source: RuleSource::Type,
            commission_type: bonus.identifier.clone(),
            since: None,
            percent: rate,
            exact: gross.amount(),
        },
    };
    match bonus.rate {
        Rate::Fixed(amount) => Ok(vec![line(None, Decimal::ZERO, money(amount, program.currency)?)]),
        Rate::Percentage(percent) => {
            let sold = sales.amounts.iter().filter(|(_, amount)| !amount.is_zero());
            sold.map(|(currency, amount)| {
                let gross = percentage(*amount, percent, *currency)?;
                Ok(line(Some(percent), *amount, gross))
            })
            .collect()
        }
    }
}

fn missed(detail: impl Into<String>) -> Refusal {
    Refusal::new(Reason::TargetMissed, detail)
}

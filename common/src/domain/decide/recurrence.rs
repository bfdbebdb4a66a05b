//! Commissions that come again by themselves while the customer stays.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;

use super::{
    Decisions, PoolExhausted,
    commission::{sale_of, views},
    conversion::{InitialApproval, cap},
};
use crate::domain::{
    Applied, CommissionId, ConversionId, CustomerId, Event, Money, Reason, Refusal,
    catalog::{OrgCatalog, Program},
    commission::{Line, Part, part_lines, percentage, recurs_at},
    entities::{Commission, CommissionKind, Conversion, Schedule, ScheduleKind},
    trace::{Rule, RuleSource},
};

/// One repetition that is due.
#[derive(Clone, Copy, Debug)]
pub(super) struct Repetition {
    pub conversion: ConversionId,
    /// The commission that started it.
    pub commission: CommissionId,
    /// 1 is the first.
    pub period: u32,
    pub due: DateTime<Utc>,
}

impl Decisions {
    pub(super) fn recur(
        &mut self,
        event: &Event,
        repetition: Repetition,
    ) -> Result<Result<Applied, Refusal>, PoolExhausted> {
        self.with_catalog(event, |this, catalog| {
            match this.repeat(event, repetition, catalog) {
                Ok(repeat) => Ok(Ok(this.add_repeat(event, repetition, repeat, catalog)?)),
                Err(refusal) => Ok(Err(refusal)),
            }
        })
    }

    /// What comes again, by the rules of the moment when it is due.
    fn repeat<'a>(
        &self,
        event: &Event,
        due: Repetition,
        catalog: &'a OrgCatalog,
    ) -> Result<Repeat<'a>, Refusal> {
        let conversion = self
            .numbered(event, due.conversion)
            .map_err(|_unknown| ended("the conversion has been deleted"))?;
        if conversion.charged_back {
            return Err(ended("the bank has taken the sale's money back"));
        }
        let sale = sale_of(&conversion, catalog, due.due)?;
        if sale.affiliation.approved != Some(true) {
            return Err(ended("the affiliate may not earn in the program any more"));
        }
        let customer = self.repeats_for(event, &conversion, sale.program, due.due)?;
        let started = conversion
            .commissions
            .iter()
            .position(|one| one.id == due.commission);
        let started = started.and_then(|at| Some((conversion.commissions.get(at)?, at)));
        let Some((started, at)) = started.filter(|(one, _)| one.approved != Some(false)) else {
            return Err(ended("the commission that started it has been disapproved"));
        };
        let part = Part {
            sub_amount: started.sub_amount,
            exact: exact(started, conversion.trace.rules.get(at)),
            commission_type: Some(&started.commission_type),
            comment: None,
        };
        let mut lines = part_lines(&part, &sale)?;
        for line in &mut lines {
            line.kind = CommissionKind::Recurring;
        }
        Ok(Repeat {
            customer,
            program: sale.program,
            lines,
            conversion,
        })
    }

    /// The customer, who must be there still and within the program's limits.
    fn repeats_for(
        &self,
        event: &Event,
        conversion: &Conversion,
        program: &Program,
        at: DateTime<Utc>,
    ) -> Result<CustomerId, Refusal> {
        let customer = conversion
            .customer
            .and_then(|id| self.world.customer(event.org, id));
        let customer = customer
            .filter(|customer| customer.deleted_at.is_none())
            .ok_or_else(|| ended("the customer has been deleted"))?;
        if customer.canceled {
            return Err(ended("the customer has been cancelled"));
        }
        if customer.capped || cap(Some(customer), program, at).is_some_and(|cap| cap.reached) {
            return Err(ended("the customer has reached the program's limit"));
        }
        Ok(customer.id)
    }

    fn add_repeat(
        &mut self,
        event: &Event,
        due: Repetition,
        repeat: Repeat<'_>,
        catalog: &OrgCatalog,
    ) -> Result<Applied, PoolExhausted> {
        let Repeat {
            customer,
            program,
            lines,
            mut conversion,
        } = repeat;
        let own = lines.first();
        let counts = own.is_some_and(|line| line.counts_towards_cap);
        let recurrence = own.map(|line| line.recurrence).unwrap_or_default();
        let approval = InitialApproval::new(program, conversion.trusted, due.due);
        conversion.counted += i32::from(counts);
        let added = self.attach(event, &mut conversion, lines, approval, due.due)?;
        self.change_customer(event.org, customer, |one| {
            one.counted += i64::from(counts);
            let limit = program.recurring_cap.map(i64::from);
            one.capped = one.capped || limit.is_some_and(|limit| one.counted >= limit);
        });
        let period = due.period.saturating_add(1);
        let next = recurs_at(conversion.created_at, recurrence, period);
        if let (Some(due_at), Ok(period)) = (next, i32::try_from(period)) {
            self.schedules.push(Schedule {
                org: event.org,
                what: ScheduleKind::Recurrence,
                subject: due.commission.0,
                period,
                conversion: conversion.id,
                due_at,
            });
        }
        let views = views(&conversion, &added, catalog);
        self.world.add_conversion(conversion);
        Ok(Applied::Commissions(views))
    }
}

/// What a repetition adds.
struct Repeat<'a> {
    conversion: Conversion,
    customer: CustomerId,
    program: &'a Program,
    /// The seller's line, then the levels.
    lines: Vec<Line>,
}

/// An amount that somebody has said comes again as it is; what was calculated is calculated anew. `rule` is how the
/// commission was calculated, where that is known.
fn exact(started: &Commission, rule: Option<&Rule>) -> Option<Decimal> {
    let calculated = match (started.rate, rule) {
        (Some(percent), _) => percentage(started.sub_amount, percent, started.currency).ok(),
        (None, Some(rule)) if rule.source != RuleSource::Explicit => {
            Some(Money::rounded(rule.exact, started.currency))
        }
        (None, _) => None,
    };
    let is_calculated = calculated.is_some_and(|money| money.amount() == started.gross);
    (!is_calculated).then_some(started.gross)
}

fn ended(detail: &str) -> Refusal {
    Refusal::new(Reason::RecurrenceEnded, detail)
}

//! Commissions that come again by themselves while the customer stays.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;

use super::{
    Decisions, PoolExhausted,
    commission::{sale_of, views},
    conversion::{InitialApproval, cap, is_last},
};
use crate::domain::{
    Applied, CommissionId, ConversionId, CustomerId, Event, Money, Reason, Refusal,
    catalog::{OrgCatalog, Program, Recurrence},
    commission::{Line, Part, part_lines, percentage, recurs_after},
    entities::{Commission, CommissionKind, Conversion, Customer, Schedule, ScheduleKind},
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

/// Why nothing comes again, now or ever.
struct Halt {
    refusal: Refusal,
    /// It may have passed by the next time.
    passes: bool,
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
                Err(halt) => {
                    if halt.passes {
                        this.skip(event, repetition, catalog);
                    }
                    Ok(Err(halt.refusal))
                }
            }
        })
    }

    /// What comes again, by the rules of the moment when it is due.
    fn repeat<'a>(
        &self,
        event: &Event,
        due: Repetition,
        catalog: &'a OrgCatalog,
    ) -> Result<Repeat<'a>, Halt> {
        let conversion = self
            .numbered(event, due.conversion)
            .map_err(|_unknown| ended("the conversion has been deleted"))?;
        let sale = sale_of(&conversion, catalog, due.due).map_err(Halt::forever)?;
        let customer = self.repeats_for(event, &conversion)?;
        if conversion.charged_back {
            return Err(passing("the bank has taken the sale's money back"));
        }
        if sale.affiliation.approved != Some(true) {
            return Err(passing("the affiliate may not earn in the program at present"));
        }
        let found = |one: &&Commission| one.id == due.commission;
        let (at, started) = conversion
            .commissions
            .iter()
            .enumerate()
            .find(|(_, one)| found(one))
            .ok_or_else(|| ended("the commission that started it is not known"))?;
        if started.approved == Some(false) {
            return Err(passing("the commission that started it is disapproved"));
        }
        // Of one sale's lines that fall due together the first counts, and the limit is theirs together.
        let is_first = !conversion
            .commissions
            .iter()
            .any(|one| one.kind == CommissionKind::Recurring && one.created_at == due.due);
        if is_first && cap(Some(customer), sale.program, due.due).is_some_and(|cap| cap.reached) {
            return Err(passing("the customer has reached the program's limit"));
        }
        let part = Part {
            sub_amount: started.sub_amount,
            exact: exact(started, conversion.trace.rules.get(at)),
            commission_type: Some(&started.commission_type),
            comment: None,
        };
        let mut lines = part_lines(&part, &sale).map_err(Halt::forever)?;
        for line in &mut lines {
            line.kind = CommissionKind::Recurring;
        }
        Ok(Repeat {
            customer: customer.id,
            program: sale.program,
            lines,
            // What no secret vouches for uses up no limit.
            may_count: is_first && conversion.authenticated,
            conversion,
        })
    }

    /// The customer, who must be there still.
    fn repeats_for(&self, event: &Event, conversion: &Conversion) -> Result<&Customer, Halt> {
        let customer = conversion
            .customer
            .and_then(|id| self.world.customer(event.org, id));
        let customer = customer
            .filter(|customer| customer.deleted_at.is_none())
            .ok_or_else(|| ended("the customer has been deleted"))?;
        if customer.canceled {
            return Err(ended("the customer has been cancelled"));
        }
        Ok(customer)
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
            may_count,
            mut conversion,
        } = repeat;
        let own = lines.first();
        let counts = may_count && own.is_some_and(|line| line.counts_towards_cap);
        let recurrence = own.map(|line| line.recurrence).unwrap_or_default();
        let approval = InitialApproval::new(program, conversion.is_vouched_for(), due.due);
        conversion.counted += i32::from(counts);
        let added = self.attach(event, &mut conversion, lines, approval, due.due)?;
        self.change_customer(event.org, customer, |one| {
            one.counted += i64::from(counts);
            one.capped = is_last(one, program);
        });
        self.plan(event, due, &conversion, recurrence);
        let views = views(&conversion, &added, catalog);
        self.world.add_conversion(conversion);
        Ok(Applied::Commissions(views))
    }

    /// Nothing comes this time; it is looked at again when it is due next.
    fn skip(&mut self, event: &Event, due: Repetition, catalog: &OrgCatalog) {
        let Ok(conversion) = self.numbered(event, due.conversion) else {
            return;
        };
        let started = conversion.commissions.iter().find(|one| one.id == due.commission);
        let rule = started.and_then(|one| {
            let program = catalog.program(conversion.program)?;
            program.commission_type(&one.commission_type, due.due)
        });
        if let Some(rule) = rule {
            self.plan(event, due, &conversion, rule.recurrence);
        }
    }

    /// Puts the next repetition on the calendar.
    fn plan(&mut self, event: &Event, due: Repetition, conversion: &Conversion, recurrence: Recurrence) {
        let next = recurs_after(conversion.created_at, recurrence, due.due);
        let period = i32::try_from(due.period.saturating_add(1));
        if let (Some(due_at), Ok(period)) = (next, period) {
            self.schedules.push(Schedule {
                org: event.org,
                what: ScheduleKind::Recurrence,
                subject: due.commission.0,
                period,
                conversion: conversion.id,
                due_at,
            });
        }
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

//! A sale becomes a conversion with its commissions, or is refused with a reason.

use chrono::{DateTime, TimeDelta, Utc};

use super::{Decisions, PoolExhausted, change::is_visible_to, view};
use crate::domain::{
    Applied, ConversionId, CreateConversion, CustomerId, Event, First, MAX_AMOUNT, Outcome, Reason, Refusal,
    attribution::{Attribution, AttributionQuery, attribute, ranks},
    catalog::{Approval, OrgCatalog, Program, Recurrence},
    commission::{Line, lines, recurs_at},
    entities::{Change, Commission, Conversion, Customer, Schedule, ScheduleKind},
    ledger::Position,
    trace::{Cap, Trace},
};

impl Decisions {
    pub(super) fn create_conversion(
        &mut self,
        event: &Event,
        create: &CreateConversion,
    ) -> Result<Result<Applied, Refusal>, PoolExhausted> {
        if let Some(refusal) = self.duplicate(event, create) {
            return Ok(Err(refusal));
        }
        if create.amount > MAX_AMOUNT {
            let detail = format!("amount {} is above {MAX_AMOUNT}", create.amount);
            return Ok(Err(Refusal::new(Reason::AmountOutOfRange, detail)));
        }
        self.with_catalog(event, |this, catalog| this.create_with(event, create, catalog))
    }

    /// The catalog is only read while deciding: taken out so that the rest of the world can change meanwhile.
    pub(super) fn with_catalog<T>(
        &mut self,
        event: &Event,
        work: impl FnOnce(&mut Self, &OrgCatalog) -> T,
    ) -> T {
        let catalog = self.world.catalog.remove(&event.org).unwrap_or_default();
        let result = work(self, &catalog);
        self.world.catalog.insert(event.org, catalog);
        result
    }

    /// The conversion that has the order's id already, unless that came unsigned and this is signed.
    fn duplicate(&self, event: &Event, create: &CreateConversion) -> Option<Refusal> {
        let order = create.external_id.as_deref()?;
        let conversion = self.conversion_of(event.org, order)?;
        if event.authenticated && !conversion.authenticated {
            return None;
        }
        // Who may not see it learns only that the id is taken.
        let seen = is_visible_to(event, conversion).then(|| {
            let view = view::conversion(conversion, &self.world);
            let outcome = view.map(|view| Outcome::Applied(Applied::Conversion(Box::new(view))));
            Box::new(First {
                event_id: conversion.event,
                outcome,
            })
        });
        Some(Refusal {
            first: seen,
            ..Refusal::new(
                Reason::DuplicateOrder,
                format!("a conversion with external_id {order:?} already exists"),
            )
        })
    }

    fn create_with(
        &mut self,
        event: &Event,
        create: &CreateConversion,
        catalog: &OrgCatalog,
    ) -> Result<Result<Applied, Refusal>, PoolExhausted> {
        let at = time_of_sale(event, create);
        let known = self.customer_of_sale(event, create);
        let query = AttributionQuery {
            org: event.org,
            dialect: event.dialect,
            ranks: ranks(event.dialect),
            sent: &create.attribution,
            scope: event.program_scope,
            customer: known,
            at,
            any_age: create.override_max_cookie_time,
            authenticated: event.authenticated,
        };
        let (found, mut trace) = match attribute(&query, &self.world, catalog) {
            Ok(found) => found,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let currency = create.currency.unwrap_or(found.program.currency);
        let mut lines = match lines(create, found.affiliation, found.program, catalog, at, currency) {
            Ok(lines) => lines,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let known = known.map(|customer| customer.id);
        // Before the limits are looked at: what the unsigned sale took of them is given back.
        let superseded = self.supersede(event, create, catalog);
        let customer_of_sale = known.and_then(|known| self.world.customer(event.org, known));
        // A customer has the limits of the program that it is, or will be, bound in.
        let has_limits = customer_of_sale.is_none_or(|customer_of_sale| {
            customer_of_sale.program == found.program.id
                || (found.authenticated && !customer_of_sale.authenticated)
        });
        trace.cap = cap(customer_of_sale, found.program, at).filter(|_| has_limits);
        // Limits are not used up by what no secret vouches for: it would take commissions from signed sales.
        let mut counts =
            event.authenticated && has_limits && lines.iter().any(|line| line.counts_towards_cap);
        let mut warnings = Vec::new();
        if trace.cap.as_ref().is_some_and(|cap| cap.reached) {
            lines.clear();
            counts = false;
            warnings.push("the customer has reached the program's limit: no commission".to_owned());
        }
        trace.unsigned_binding = event.authenticated && !found.authenticated;
        trace.rules = lines.iter().map(|line| line.rule.clone()).collect();
        let customer = self.upsert_customer(event, create, &found, known)?;
        // Nor do they begin, and nobody has bought, for a stranger's word.
        if let Some(customer) = customer.filter(|_| event.authenticated) {
            self.count_sale(event, customer, found.program, at, counts, trace.cap.as_ref());
        }
        let conversion = self.new_conversion(event, create, &found, lines, trace)?;
        let mut conversion = Conversion {
            customer,
            currency,
            counted: i32::from(counts && customer.is_some()),
            warnings,
            created_at: at,
            ..conversion
        };
        if let Some(superseded) = superseded {
            self.inherit(&mut conversion, &superseded);
        }
        Ok(self.insert_conversion(event, conversion, found.program, catalog))
    }

    fn new_conversion(
        &mut self,
        event: &Event,
        create: &CreateConversion,
        found: &Attribution<'_>,
        lines: Vec<Line>,
        trace: Trace,
    ) -> Result<Conversion, PoolExhausted> {
        let at = time_of_sale(event, create);
        let approval = InitialApproval::of(found, at);
        let id = self.world.ids.conversion().ok_or(PoolExhausted)?;
        let mut commissions = Vec::with_capacity(lines.len());
        for line in lines {
            let recurrence = line.recurrence;
            let commission = self.new_commission(line, approval, at)?;
            if let Some(due_at) = recurs_at(at, recurrence, 1).filter(|_| recurrence != Recurrence::Once) {
                self.schedules.push(Schedule {
                    org: event.org,
                    what: ScheduleKind::Recurrence,
                    subject: commission.id.0,
                    period: 1,
                    conversion: id,
                    due_at,
                });
            }
            commissions.push(commission);
        }
        if let Some(due_at) = approval.finalised_at.filter(|_| !commissions.is_empty()) {
            self.schedules.push(hold(event, id, due_at));
        }
        Ok(Conversion {
            change: Change::Insert,
            org: event.org,
            id,
            external_id: create.external_id.clone(),
            program: found.program.id,
            affiliate: found.affiliation.affiliate,
            customer: None,
            event: event.id,
            dialect: event.dialect,
            authenticated: event.authenticated,
            attributed_by: found.rank.name().to_owned(),
            click: found.click,
            original_amount: create.amount,
            amount: create.amount,
            currency: found.program.currency,
            refunded: rust_decimal::Decimal::ZERO,
            fully_refunded: false,
            meta_data: create.meta_data.clone(),
            details: create.details.clone(),
            created_at: at,
            amount_by: None,
            status_by: None,
            meta_by: None,
            charged_back: false,
            chargeback_by: None,
            counted: 0,
            warnings: Vec::new(),
            trace,
            deleted_at: None,
            superseded_by: None,
            commissions,
            refunds: Vec::new(),
        })
    }

    fn insert_conversion(
        &mut self,
        event: &Event,
        mut conversion: Conversion,
        program: &Program,
        catalog: &OrgCatalog,
    ) -> Result<Applied, Refusal> {
        let has_customer = conversion.customer.is_some();
        // Nothing could ever end it: a commission recurs for a customer, until the customer is cancelled.
        self.schedules.retain(|one| {
            has_customer || one.conversion != conversion.id || one.what != ScheduleKind::Recurrence
        });
        self.post_transfers(&mut conversion, event);
        let view = view::with_catalog(&conversion, &self.world, catalog);
        self.world.add_conversion(conversion);
        view.map(|view| Applied::Conversion(Box::new(view)))
            .ok_or_else(|| {
                let detail = format!("program {:?} has been removed", program.slug);
                Refusal::new(Reason::NotAttributed, detail)
            })
    }

    /// A commission that starts as the program says.
    pub(super) fn new_commission(
        &mut self,
        line: Line,
        approval: InitialApproval,
        at: DateTime<Utc>,
    ) -> Result<Commission, PoolExhausted> {
        Ok(Commission {
            change: Change::Insert,
            id: self.world.ids.commission().ok_or(PoolExhausted)?,
            affiliate: line.affiliate,
            kind: line.kind,
            commission_type: line.commission_type,
            commission_name: line.name,
            rate: line.rate,
            sub_amount: line.sub_amount,
            part: line.part,
            gross: line.gross.amount(),
            amount: line.gross.amount(),
            currency: line.gross.currency(),
            approved: approval.approved,
            finalised_at: approval.finalised_at,
            position: Position::default(),
            payment: None,
            comment: line.comment,
            created_at: at,
        })
    }

    /// Takes a conversion out of the living: its commissions are reversed and its external id is free.
    pub(super) fn void_conversion(
        &mut self,
        event: &Event,
        conversion: &mut Conversion,
        catalog: &OrgCatalog,
    ) {
        conversion.change.touch();
        conversion.deleted_at = Some(self.world.now);
        for commission in &mut conversion.commissions {
            commission.approved = Some(false);
        }
        let counted = std::mem::take(&mut conversion.counted);
        if let Some(customer) = conversion.customer.filter(|_| counted > 0) {
            self.change_customer(event.org, customer, |one| {
                one.counted = (one.counted - i64::from(counted)).max(0);
                let cap = catalog
                    .program(one.program)
                    .and_then(|program| cap(Some(one), program, event.received_at));
                one.capped = cap.is_some_and(|cap| cap.reached);
            });
        }
        self.post_transfers(conversion, event);
    }

    /// Moves the customer on: bought, counted, capped.
    fn count_sale(
        &mut self,
        event: &Event,
        customer: CustomerId,
        program: &Program,
        at: DateTime<Utc>,
        counts: bool,
        cap: Option<&Cap>,
    ) {
        let reached = cap.is_some_and(|cap| cap.reached);
        self.change_customer(event.org, customer, |one| {
            one.first_sale_at = Some(one.first_sale_at.map_or(at, |first| first.min(at)));
            one.counted += i64::from(counts);
            // A customer of several programs has the limits of the one that it is bound in.
            if one.program == program.id {
                one.capped = reached || is_last(one, program);
            }
        });
    }
}

/// Whether nothing more counts after what has been counted.
pub(super) fn is_last(customer: &Customer, program: &Program) -> bool {
    program
        .recurring_cap
        .is_some_and(|limit| customer.counted >= i64::from(limit))
}

/// The client's time counts where a secret vouches for it.
fn time_of_sale(event: &Event, create: &CreateConversion) -> DateTime<Utc> {
    let told = create.occurred_at.filter(|_| event.authenticated);
    told.unwrap_or(event.received_at)
}

/// How a commission starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct InitialApproval {
    pub approved: Option<bool>,
    pub finalised_at: Option<DateTime<Utc>>,
}

impl InitialApproval {
    /// What no secret vouches for waits for a person, whatever the program says.
    pub fn of(found: &Attribution<'_>, at: DateTime<Utc>) -> Self {
        Self::new(found.program, found.authenticated, at)
    }

    pub fn new(program: &Program, authenticated: bool, at: DateTime<Utc>) -> Self {
        match program.approval {
            Approval::Immediate if authenticated => Self {
                approved: Some(true),
                finalised_at: None,
            },
            Approval::Hold(days) if authenticated => Self {
                approved: None,
                finalised_at: Some(at + TimeDelta::days(i64::from(days))),
            },
            Approval::Immediate | Approval::Hold(_) | Approval::Manual => Self::default(),
        }
    }
}

pub(super) fn hold(event: &Event, conversion: ConversionId, due_at: DateTime<Utc>) -> Schedule {
    Schedule {
        org: event.org,
        what: ScheduleKind::Hold,
        subject: conversion.0,
        period: 0,
        conversion,
        due_at,
    }
}

/// Where a customer stands with the program's limits; `None` where it has none.
pub(super) fn cap(customer: Option<&Customer>, program: &Program, at: DateTime<Utc>) -> Option<Cap> {
    if program.recurring_cap.is_none() && program.recurring_period_days.is_none() {
        return None;
    }
    let counted = customer.map_or(0, |customer| customer.counted);
    let since = customer
        .and_then(|customer| customer.first_sale_at)
        .map(|first| at - first);
    let days_reached = program
        .recurring_period_days
        .is_some_and(|limit| since.is_some_and(|since| since > TimeDelta::days(i64::from(limit))));
    let count_reached = program
        .recurring_cap
        .is_some_and(|limit| counted >= i64::from(limit));
    Some(Cap {
        counted,
        limit: program.recurring_cap,
        days: since.map(|since| since.num_days()),
        limit_days: program.recurring_period_days,
        reached: days_reached || count_reached,
    })
}

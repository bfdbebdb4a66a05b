//! The one place that decides what events do. Pure: `decide(events, world) -> effects and outcomes`.
//!
//! Events are decided in the order given and see the effects of those before them, so that a batch has the same result
//! as its events one by one. Whoever calls has locked the keys of all events and loaded the [`World`] after that.
//!
//! Each kind of event has a rule, a function that reads its [`Context`], changes rows of the [`World`], and adds to the
//! [`Effects`]. This file finds the rule, and knows repeats and events that wait for an order.

mod approval;
mod bonus;
mod change;
mod click;
mod commission;
mod context;
mod conversion;
mod customer;
mod customer_of_sale;
mod customer_record;
mod edit;
mod effects;
mod lead;
mod limits;
mod payment;
mod posting;
mod recurrence;
mod scheduled;
mod supersede;
mod view;

use std::sync::Arc;

use chrono::TimeDelta;

use self::context::{Context, Stop};
pub use self::effects::{BonusAward, Effects};
use super::{
    Applied, Body, Event, EventId, First, Outcome, Reason, Refusal, World,
    world::{IdempotencyRecord, PoolExhausted},
};

/// Events that may wait for one order. More are refused, so that one order id cannot fill the table.
pub const MAX_PARKED_PER_ORDER: usize = 100;

/// How long applied events keep their rows, and so how late an event may be delivered.
pub const EVENT_RETENTION: TimeDelta = TimeDelta::days(30);
/// The code of events delivered later than that.
const TOO_OLD: &str = "too_old";

/// How the row of a decided event is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The event is new.
    Insert,
    /// Its row exists: it was queued or parked.
    Update,
    /// It was decided before; the stored outcome is answered again and nothing is written.
    Known,
}

/// One event and what became of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    pub event: Event,
    pub outcome: Outcome,
    pub verdict: Verdict,
}

/// Everything to answer, and everything to write.
#[derive(Clone, Debug)]
pub struct Decisions {
    pub decisions: Vec<Decision>,
    /// Rows that were changed are marked.
    pub world: World,
    pub effects: Effects,
}

/// An event to decide, and whether its row waits in the database as `queued`.
#[derive(Clone, Debug, PartialEq)]
pub struct Incoming {
    pub event: Event,
    pub queued: bool,
}

/// Decides a batch.
///
/// # Errors
/// [`PoolExhausted`] only.
pub fn decide(events: Vec<Incoming>, world: World) -> Result<Decisions, PoolExhausted> {
    let mut batch = Decisions {
        decisions: Vec::with_capacity(events.len()),
        world,
        effects: Effects::default(),
    };
    for incoming in events {
        batch.decide_one(incoming)?;
    }
    Ok(batch)
}

/// The rule of each kind of event.
fn apply_rule(event: &Event, world: &mut World, effects: &mut Effects) -> Result<Applied, Stop> {
    let catalog = world.catalogs.get(&event.org).map(Arc::clone).unwrap_or_default();
    let context = &Context {
        event,
        org: event.org,
        catalog: &catalog,
        now: world.now,
    };
    match &event.body {
        Body::CreateConversion(create) => conversion::create_conversion(context, create, world, effects),
        Body::UpdateConversion(update) => change::update_conversion(context, update, world, effects),
        Body::Refund(refund) => change::refund(context, refund, world, effects),
        Body::Chargeback(chargeback) => change::chargeback(context, chargeback, world, effects),
        Body::EditConversion(edit) => edit::edit_conversion(context, edit, world, effects),
        Body::AddCommissions(add) => commission::add_commissions(context, add, world, effects),
        Body::EditCommission(edit) => commission::edit_commission(context, edit, world, effects),
        Body::Click(click) => click::record_click(context, click, world, effects),
        Body::CreateCustomer(create) => customer::create_customer(context, create, world),
        Body::UpdateCustomer(update) => customer::update_customer(context, update, world),
        Body::Lead(lead) => lead::lead(context, lead, world),
        Body::Pay(pay) => payment::pay(context, pay, world, effects),
        Body::CancelPayment(cancel) => payment::cancel_payment(context, cancel, world, effects),
        Body::Scheduled(scheduled) => scheduled::scheduled(context, scheduled, world, effects),
        Body::Test(_) => Ok(Applied::Test {
            number: test_number(event.id),
        }),
    }
}

impl Decisions {
    fn decide_one(&mut self, Incoming { event, queued }: Incoming) -> Result<(), PoolExhausted> {
        if let Some(stored) = self.world.events.get(&event.id)
            && !(queued && *stored == Outcome::Queued)
        {
            let outcome = stored.clone();
            self.decisions.push(Decision {
                event,
                outcome,
                verdict: Verdict::Known,
            });
            return Ok(());
        }
        let verdict = if queued { Verdict::Update } else { Verdict::Insert };
        if !queued && self.world.now - event.received_at > EVENT_RETENTION {
            // Its row may have been dropped with its day: nobody can say any more whether it was applied.
            self.record(event, Outcome::Dead(TOO_OLD.to_owned()), verdict);
            return Ok(());
        }
        let outcome = match self.refuse_repeat(&event) {
            Ok(()) => self.outcome(&event, queued)?,
            Err(refusal) => Outcome::Refused(refusal),
        };
        let arrived = self.brings_parked(&event, &outcome);
        self.record(event, outcome, verdict);
        for parked in arrived {
            let outcome = self.outcome(&parked, true)?;
            self.record(parked, outcome, Verdict::Update);
        }
        Ok(())
    }

    /// `queued`: its row has waited, so this is not the first look at it.
    fn outcome(&mut self, event: &Event, queued: bool) -> Result<Outcome, PoolExhausted> {
        match apply_rule(event, &mut self.world, &mut self.effects) {
            Ok(applied) => Ok(Outcome::Applied(applied)),
            Err(Stop::Refused(refusal)) if refusal.reason == Reason::UnknownOrder => {
                Ok(self.park_or_refuse(event, refusal, queued))
            }
            Err(Stop::Refused(refusal)) => Ok(Outcome::Refused(refusal)),
            Err(Stop::PoolExhausted) => Err(PoolExhausted),
        }
    }

    /// An idempotency key that was used before: the first outcome again, or a conflict. A first use is noted.
    fn refuse_repeat(&mut self, event: &Event) -> Result<(), Refusal> {
        let Some(key) = &event.idempotency else {
            return Ok(());
        };
        let Some(record) = self.world.idempotency.get(&(event.org, key.key.clone())) else {
            let record = IdempotencyRecord {
                event: event.id,
                hash: key.hash.clone(),
            };
            self.world
                .idempotency
                .insert((event.org, key.key.clone()), record);
            self.effects.idempotency.push((event.org, key.clone(), event.id));
            return Ok(());
        };
        if record.event == event.id {
            return Ok(());
        }
        let (reason, detail) = if record.hash == key.hash {
            (
                Reason::IdempotentRepeat,
                "the Idempotency-Key repeats an earlier request",
            )
        } else {
            (
                Reason::IdempotencyConflict,
                "the Idempotency-Key was used before for another request",
            )
        };
        let outcome = self.world.events.get(&record.event).cloned();
        let first = Some(Box::new(First {
            event_id: record.event,
            outcome,
        }));
        Err(Refusal {
            first,
            ..Refusal::new(reason, detail)
        })
    }

    /// What needs an order that is not there waits for it. If somebody waits for the answer it is only looked at once
    /// more: the order may be in the hands of another worker, its caller answered already.
    fn park_or_refuse(&mut self, event: &Event, refusal: Refusal, queued: bool) -> Outcome {
        let Some(order) = event.order() else {
            return Outcome::Refused(refusal);
        };
        // Of a program that the key does not see: waiting would not change that.
        if self.world.conversion_of(event.org, order).is_some() {
            return Outcome::Refused(refusal);
        }
        match event.is_awaited(self.world.now) {
            true if queued => return Outcome::Refused(refusal),
            true => return Outcome::Queued,
            false => {}
        }
        let waiting = self
            .world
            .parked
            .entry((event.org, order.to_owned()))
            .or_default();
        if waiting.len() >= MAX_PARKED_PER_ORDER {
            let detail = format!("{MAX_PARKED_PER_ORDER} events already wait for order {order:?}");
            return Outcome::Refused(Refusal::new(Reason::ParkingFull, detail));
        }
        waiting.push(event.clone());
        Outcome::Parked
    }

    /// The parked events of an order that has just been recorded, in the order of their times.
    fn brings_parked(&mut self, event: &Event, outcome: &Outcome) -> Vec<Event> {
        let (Body::CreateConversion(_), Outcome::Applied(_), Some(order)) =
            (&event.body, outcome, event.order())
        else {
            return Vec::new();
        };
        let mut parked = self
            .world
            .parked
            .remove(&(event.org, order.to_owned()))
            .unwrap_or_default();
        parked.sort_by_key(|event| event.id);
        parked
    }

    /// Notes the decision. An event parked earlier in this very batch has no row yet: its one decision is amended.
    fn record(&mut self, event: Event, outcome: Outcome, verdict: Verdict) {
        self.world.events.insert(event.id, outcome.clone());
        if verdict == Verdict::Update
            && let Some(earlier) = self
                .decisions
                .iter_mut()
                .find(|decision| decision.event.id == event.id)
        {
            earlier.outcome = outcome;
            return;
        }
        self.decisions.push(Decision {
            event,
            outcome,
            verdict,
        });
    }
}

/// A number for those who print numbers: the moment, and a part of the id's random bits. Exact in a JSON double.
fn test_number(id: EventId) -> i64 {
    let bits = id.0.as_u128();
    let millis = i64::try_from(bits >> 80).unwrap_or_default();
    millis * 1000 + i64::try_from((bits >> 32) % 1000).unwrap_or_default()
}

#[cfg(test)]
mod attribution_tests;
#[cfg(test)]
mod bonus_tests;
#[cfg(test)]
mod cap_tests;
#[cfg(test)]
mod due_tests;
#[cfg(test)]
mod examples;
#[cfg(test)]
mod lead_tests;
#[cfg(test)]
mod model_tests;
#[cfg(test)]
mod money_tests;
#[cfg(test)]
mod payment_tests;
#[cfg(test)]
mod people_property;
#[cfg(test)]
mod people_tests;
#[cfg(test)]
mod story;
#[cfg(test)]
mod tests;

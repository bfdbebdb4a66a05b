//! The one place that decides what events do. Pure: `decide(events, world) -> effects and outcomes`.
//!
//! Events are decided in the order given and see the effects of those before them, so that a batch has the same result
//! as its events one by one. Whoever calls has locked the keys of all events and loaded the [`World`] after that.

mod bonus;
mod change;
mod click;
mod commission;
mod conversion;
mod customer;
mod customer_of_sale;
mod edit;
mod lead;
mod payment;
mod recurrence;
mod scheduled;
mod supersede;
mod view;

use chrono::{NaiveDate, TimeDelta};

use super::{
    AffiliateId, Applied, Body, ClickId, Event, EventId, First, Idempotency, OrgId, Outcome, ProgramId,
    Reason, Refusal, World,
    entities::{Conversion, RefundEntry, Schedule},
    ledger::Transfer,
    world::IdempotencyRecord,
};

/// Events that may wait for one order. More are refused, so that one order id cannot fill the table.
pub const MAX_PARKED_PER_ORDER: usize = 100;

/// How long applied events keep their rows, and so how late an event may be delivered.
pub const EVENT_RETENTION: TimeDelta = TimeDelta::days(30);
/// The code of events delivered later than that.
const TOO_OLD: &str = "too_old";

/// How the row of an event is written.
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

/// Everything to write, and everything to answer. Changed entities are marked in the world.
#[derive(Clone, Debug)]
pub struct Decisions {
    pub decisions: Vec<Decision>,
    pub world: World,
    pub transfers: Vec<Transfer>,
    pub refunds: Vec<RefundEntry>,
    pub idempotency: Vec<(OrgId, Idempotency, EventId)>,
    /// To be put on the calendar.
    pub schedules: Vec<Schedule>,
    /// Sessions and the latest clicks in them.
    pub sessions: Vec<(String, OrgId, ClickId)>,
    pub bonus_awards: Vec<BonusAward>,
}

/// A bonus that was given: its business key, and by which event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BonusAward {
    pub org: OrgId,
    pub program: ProgramId,
    pub bonus: String,
    pub affiliate: AffiliateId,
    /// Its first day.
    pub month: NaiveDate,
    pub event: EventId,
}

/// An event to decide, and whether its row waits in the database as `queued`.
#[derive(Clone, Debug, PartialEq)]
pub struct Incoming {
    pub event: Event,
    pub queued: bool,
}

/// The loader drew fewer ids than the batch needs: a bug, which fails the batch and changes nothing.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("the id pool of the batch is exhausted")]
pub struct PoolExhausted;

/// Decides a batch.
///
/// # Errors
/// [`PoolExhausted`] only.
pub fn decide(events: Vec<Incoming>, world: World) -> Result<Decisions, PoolExhausted> {
    let mut batch = Decisions {
        decisions: Vec::with_capacity(events.len()),
        world,
        transfers: Vec::new(),
        refunds: Vec::new(),
        idempotency: Vec::new(),
        schedules: Vec::new(),
        sessions: Vec::new(),
        bonus_awards: Vec::new(),
    };
    for incoming in events {
        batch.decide_one(incoming)?;
    }
    Ok(batch)
}

impl Decisions {
    fn decide_one(&mut self, Incoming { event, queued }: Incoming) -> Result<(), PoolExhausted> {
        match self.world.events.get(&event.id) {
            Some(stored) if !(queued && *stored == Outcome::Queued) => {
                let outcome = stored.clone();
                self.decisions.push(Decision {
                    event,
                    outcome,
                    verdict: Verdict::Known,
                });
                return Ok(());
            }
            _ => {}
        }
        let verdict = if queued { Verdict::Update } else { Verdict::Insert };
        if !queued && self.world.now - event.received_at > EVENT_RETENTION {
            // Its row may have been dropped with its day: nobody can say any more whether it was applied.
            self.record(event, Outcome::Dead(TOO_OLD.to_owned()), verdict);
            return Ok(());
        }
        let outcome = match self.repeats(&event) {
            Some(refusal) => Outcome::Refused(refusal),
            None => self.outcome(&event, queued)?,
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
        let result = match &event.body {
            Body::CreateConversion(create) => self.create_conversion(event, create)?,
            Body::UpdateConversion(update) => self.update_conversion(event, update),
            Body::Refund(refund) => self.refund(event, refund),
            Body::Chargeback(chargeback) => self.chargeback(event, chargeback),
            Body::EditConversion(edit) => self.edit_conversion(event, edit),
            Body::AddCommissions(add) => self.add_commissions(event, add)?,
            Body::EditCommission(edit) => self.edit_commission(event, edit),
            Body::Click(click) => self.click(event, click)?,
            Body::CreateCustomer(create) => self.create_customer(event, create)?,
            Body::UpdateCustomer(update) => self.update_customer(event, update),
            Body::Lead(lead) => self.lead(event, lead)?,
            Body::Pay(pay) => self.pay(event, pay)?,
            Body::CancelPayment(cancel) => self.cancel_payment(event, cancel),
            Body::Scheduled(scheduled) => self.scheduled(event, scheduled)?,
            Body::Test(_) => Ok(Applied::Test {
                number: test_number(event.id),
            }),
        };
        Ok(match result {
            Ok(applied) => Outcome::Applied(applied),
            Err(refusal) if refusal.reason == Reason::UnknownOrder => {
                self.park_or_refuse(event, refusal, queued)
            }
            Err(refusal) => Outcome::Refused(refusal),
        })
    }

    /// An idempotency key that was used before: the first outcome again, or a conflict. A first use is noted.
    fn repeats(&mut self, event: &Event) -> Option<Refusal> {
        let key = event.idempotency.as_ref()?;
        let Some(record) = self.world.idempotency.get(&(event.org, key.key.clone())) else {
            let record = IdempotencyRecord {
                event: event.id,
                hash: key.hash.clone(),
            };
            self.world
                .idempotency
                .insert((event.org, key.key.clone()), record);
            self.idempotency.push((event.org, key.clone(), event.id));
            return None;
        };
        if record.event == event.id {
            return None;
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
        Some(Refusal {
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
        if self.conversion_of(event.org, order).is_some() {
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
            && let Some(earlier) = self.decisions.iter_mut().find(|one| one.event.id == event.id)
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

    fn conversion_of(&self, org: OrgId, order: &str) -> Option<&Conversion> {
        self.world.conversions.get(&(org, order.to_owned()))
    }
}

/// A number for those who print numbers: the moment, and a part of the id's random bits. Exact in a JSON double.
fn test_number(id: EventId) -> i64 {
    let bits = id.0.as_u128();
    let millis = i64::try_from(bits >> 80).unwrap_or_default();
    millis * 1000 + i64::try_from((bits >> 32) % 1000).unwrap_or_default()
}

fn unknown_order(order: &str) -> Refusal {
    Refusal::new(
        Reason::UnknownOrder,
        format!("external_id {order:?} is not known"),
    )
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

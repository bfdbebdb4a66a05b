//! The one place that decides what events do. Pure: `decide(events, world) -> effects and outcomes`.
//!
//! Events are decided in the order given and see the effects of those before them, so that a batch has the same result
//! as its events one by one. Whoever calls has locked the keys of all events and loaded the [`World`] after that.
//!
//! Each kind of event has a rule, a function that reads its [`Context`], changes rows of the [`World`], and adds to the
//! [`Effects`]. This file finds the rule, and knows repeats and events that wait for an order.

mod approval;
mod before;
mod bonus;
mod bonus_again;
mod calendar;
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
mod parked;
mod payment;
mod posting;
mod recalculate;
mod recurrence;
mod repeat;
mod scheduled;
mod sub_amount;
mod supersede;
mod view;
mod void;
mod waiting;

use std::sync::Arc;

use chrono::TimeDelta;

use self::context::{Context, Stop};
pub use self::effects::{BonusAward, Effects};
pub use self::{parked::Parked, payment::MAX_PAYMENTS, waiting::MAX_PARKED_PER_NAME};
use super::{Applied, Body, Event, EventId, OrgClue, Outcome, World, world::PoolExhausted};

/// How long applied events keep their rows, and so how late an event may be delivered.
pub const EVENT_RETENTION: TimeDelta = TimeDelta::days(30);
/// The code of events delivered later than that.
const TOO_OLD: &str = "too_old";

/// How the row of a decided event is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowWrite {
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
    pub row_write: RowWrite,
    /// What an edit was about, as it was before: for the audit trail, and stored nowhere else.
    pub before: Option<Applied>,
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

/// See [`before::before`].
fn before_rule(event: &Event, world: &World) -> Option<Applied> {
    let org = event.org?;
    let context = &Context {
        event,
        org,
        catalog: world.catalogs.get(&org)?,
        now: world.now,
    };
    before::before(context, world)
}

/// The rule of each kind of event.
fn apply_rule(event: &Event, world: &mut World, effects: &mut Effects) -> Result<Applied, Stop> {
    let Some(org) = event.org else {
        return without_org(event, world);
    };
    let catalog = world.catalogs.get(&org).map(Arc::clone).unwrap_or_default();
    let context = &Context {
        event,
        org,
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
        Body::Test(_) => Ok(tested(event)),
        Body::RecalculateCommissions(recalculate) => {
            recalculate::recalculate_commissions(context, recalculate, world, effects)
        }
    }
}

/// An event without a key, and nothing that it names leads to an organisation: it is refused as unknown. A test event needs no
/// organisation.
fn without_org(event: &Event, world: &World) -> Result<Applied, Stop> {
    match (&event.body, event.needs().org_clue) {
        (Body::Test(_), _) => Ok(tested(event)),
        _ if world.ambiguous.contains(&event.id) => Err(lead::ambiguous().into()),
        (_, Some(OrgClue::Link { code, .. })) => Err(click::unknown_link(code).into()),
        (_, Some(OrgClue::Visit { .. }) | None) => Err(lead::nobody(event).into()),
    }
}

fn tested(event: &Event) -> Applied {
    Applied::Test {
        number: test_number(event.id),
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
                row_write: RowWrite::Known,
                before: None,
            });
            return Ok(());
        }
        let row_write = if queued {
            RowWrite::Update
        } else {
            RowWrite::Insert
        };
        if !queued && self.world.now - event.received_at > EVENT_RETENTION {
            // Its row may have been dropped with its day: nobody can say any more whether it was applied.
            self.record(event, Outcome::Dead(TOO_OLD.to_owned()), row_write, None);
            return Ok(());
        }
        let before = before_rule(&event, &self.world);
        let outcome = match self.refuse_repeat(&event) {
            Ok(()) => self.outcome(&event)?,
            Err(refusal) => Outcome::Refused(refusal),
        };
        let brought = self.brings(&event, &outcome);
        self.release(&event, &outcome);
        self.record(event, outcome, row_write, before);
        for parked in brought {
            let before = before_rule(&parked, &self.world);
            let outcome = self.outcome(&parked)?;
            self.record(parked, outcome, RowWrite::Update, before);
        }
        Ok(())
    }

    fn outcome(&mut self, event: &Event) -> Result<Outcome, PoolExhausted> {
        match apply_rule(event, &mut self.world, &mut self.effects) {
            Ok(applied) => Ok(Outcome::Applied(applied)),
            Err(Stop::Refused(refusal)) => {
                let refusal = self.or_first_outcome(event, refusal);
                Ok(self.wait_or_refuse(event, refusal))
            }
            Err(Stop::PoolExhausted) => Err(PoolExhausted),
        }
    }

    /// Notes the decision. An event parked earlier in this very batch has no row yet: its one decision is amended.
    fn record(&mut self, event: Event, outcome: Outcome, row_write: RowWrite, before: Option<Applied>) {
        self.world.events.insert(event.id, outcome.clone());
        if row_write == RowWrite::Update
            && let Some(earlier) = self
                .decisions
                .iter_mut()
                .find(|decision| decision.event.id == event.id)
        {
            (earlier.outcome, earlier.before) = (outcome, before);
            return;
        }
        self.decisions.push(Decision {
            event,
            outcome,
            row_write,
            before,
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
mod added_tests;
#[cfg(test)]
mod amount_tests;
#[cfg(test)]
mod attribution_tests;
#[cfg(test)]
mod bonus_tests;
#[cfg(test)]
mod cap_tests;
#[cfg(test)]
mod currency_tests;
#[cfg(test)]
mod due_tests;
#[cfg(test)]
mod edit_tests;
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
mod program_tests;
#[cfg(test)]
mod programs_property;
#[cfg(test)]
mod recalculation_tests;
#[cfg(test)]
mod repeat_tests;
#[cfg(test)]
mod retired_tests;
#[cfg(test)]
mod story;
#[cfg(test)]
mod supersede_property;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod version_tests;
#[cfg(test)]
mod waiting_tests;

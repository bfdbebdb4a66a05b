//! What became of the events of a batch, added up before it is counted: labels are made once a batch.

use std::collections::BTreeMap;

use metrics::counter;

use super::names;
use crate::domain::{Decision, Outcome, RowWrite};

/// Events by what became of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    pub applied: u64,
    pub parked: u64,
    pub refused: BTreeMap<&'static str, u64>,
    pub dead: BTreeMap<String, u64>,
}

impl Counted {
    /// Of these decisions, which were committed. What was known before was counted before, and what was left for later is counted
    /// when it is decided.
    pub fn of(decisions: &[Decision]) -> Self {
        let new = |decision: &&Decision| decision.row_write != RowWrite::Known;
        let mut counted = Self::default();
        for decision in decisions.iter().filter(new) {
            counted.add(&decision.outcome);
        }
        counted
    }

    fn add(&mut self, outcome: &Outcome) {
        match outcome {
            Outcome::Applied(_) => self.applied += 1,
            Outcome::Refused(refusal) => *self.refused.entry(refusal.reason.code()).or_default() += 1,
            Outcome::Parked => self.parked += 1,
            Outcome::Dead(code) => *self.dead.entry(code.clone()).or_default() += 1,
            Outcome::Queued | Outcome::Discarded => {}
        }
    }

    /// Counts all of them.
    pub fn count(self) {
        if self.applied > 0 {
            counter!(names::EVENTS_APPLIED).increment(self.applied);
        }
        if self.parked > 0 {
            counter!(names::EVENTS_PARKED).increment(self.parked);
        }
        for (reason, events) in self.refused {
            counter!(names::EVENTS_REFUSED, "reason" => reason).increment(events);
        }
        for (code, events) in self.dead {
            dead(code, events);
        }
    }
}

/// Worker: dead events, by one of our codes.
pub fn dead(code: String, events: u64) {
    counter!(names::EVENTS_DEAD, "code" => code).increment(events);
}

/// Worker: events that were tried again, and failed again.
pub fn failed_again(status: &'static str, events: u64) {
    if events > 0 {
        counter!(names::REPLAYS_FAILED, "status" => status).increment(events);
    }
}

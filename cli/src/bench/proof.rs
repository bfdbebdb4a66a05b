//! Whether what was answered is what is applied. Pure.

use common::db::statistics::Progress;
use serde::{Deserialize, Serialize};

use super::load::Tally;

/// The end of each installation that was measured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Proof {
    pub(crate) scenario: String,
    /// Requests that were answered with an outcome or a receipt.
    pub(crate) answered: u64,
    /// Requests that were answered with the refusal of a repetition.
    pub(crate) answered_refused: u64,
    /// Requests whose answer did not come, or was a failure: each is recorded or not.
    pub(crate) unanswered: u64,
    /// Events.
    pub(crate) applied: u64,
    pub(crate) refused: u64,
    /// Events and envelopes that are neither.
    pub(crate) left_over: u64,
    pub(crate) ledger_violations: u64,
    pub(crate) holds: bool,
}

impl Proof {
    pub(super) fn of(scenario: &str, tally: &Tally, counts: Progress, ledger_violations: u64) -> Self {
        let answered = tally.outcomes + tally.receipts;
        let unanswered = tally.failed + tally.unanswered;
        let left_over = counts.other + counts.spooled;
        // A receipt may turn out to be a repetition, too.
        let recorded = counts.applied + counts.refused;
        let promised = answered + tally.refused;
        let holds = recorded >= promised
            && recorded <= promised + unanswered
            && counts.refused >= tally.refused
            && counts.refused <= tally.refused + tally.receipts + unanswered
            && left_over == 0
            && ledger_violations == 0;
        Self {
            scenario: scenario.to_owned(),
            answered,
            answered_refused: tally.refused,
            unanswered,
            applied: counts.applied,
            refused: counts.refused,
            left_over,
            ledger_violations,
            holds,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(tally: &Tally, counts: Progress, violations: u64) -> bool {
        Proof::of("sync", tally, counts, violations).holds
    }

    #[test]
    fn what_was_answered_is_applied_once() {
        let tally = Tally {
            outcomes: 10,
            receipts: 2,
            refused: 3,
            failed: 1,
            unanswered: 1,
            ..Tally::default()
        };
        let counts = |applied, refused| Progress {
            applied,
            refused,
            ..Progress::default()
        };
        assert!(holds(&tally, counts(12, 3), 0));
        assert!(
            holds(&tally, counts(14, 3), 0),
            "what failed may have been recorded"
        );
        assert!(holds(&tally, counts(11, 4), 0), "a receipt was a repetition");
        assert!(!holds(&tally, counts(11, 3), 0), "one is lost");
        assert!(!holds(&tally, counts(15, 3), 0), "one is recorded twice");
        assert!(!holds(&tally, counts(13, 2), 0), "a refusal is not there");
        assert!(!holds(&tally, counts(12, 3), 1), "the books are wrong");
        let parked = Progress {
            other: 1,
            ..counts(12, 3)
        };
        assert!(!holds(&tally, parked, 0));
    }
}

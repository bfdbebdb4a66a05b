//! What was answered, and how long it took.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Answers by what they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// With an outcome: 200 and 201.
    pub(crate) outcomes: u64,
    /// Accepted, the outcome comes later: 202.
    pub(crate) receipts: u64,
    /// The order is known: 400 and 409.
    pub(crate) refused: u64,
    /// All others.
    pub(crate) failed: u64,
    /// Sent, and no answer came.
    pub(crate) unanswered: u64,
    /// Answered while it was measured.
    pub(crate) measured: u64,
    /// How long each of these took, in microseconds, in no order.
    pub(crate) micros: Vec<u32>,
}

impl Tally {
    /// Counts an answer, which took so long if it was measured.
    pub(super) fn answered(&mut self, status: u16, took: Option<Duration>) {
        match status {
            200 | 201 => self.outcomes += 1,
            202 => self.receipts += 1,
            400 | 409 => self.refused += 1,
            _ => self.failed += 1,
        }
        let is_good = matches!(status, 200..=202 | 400 | 409);
        if let Some(took) = took.filter(|_| is_good) {
            self.measured += 1;
            self.micros
                .push(u32::try_from(took.as_micros()).unwrap_or(u32::MAX));
        }
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.outcomes += other.outcomes;
        self.receipts += other.receipts;
        self.refused += other.refused;
        self.failed += other.failed;
        self.unanswered += other.unanswered;
        self.measured += other.measured;
        self.micros.extend(other.micros);
    }

    /// How long answers took that were measured.
    pub(crate) fn latency(&mut self) -> Option<Latency> {
        self.micros.sort_unstable();
        let millis = |permille| micros_at(&self.micros, permille).map(|micros| f64::from(micros) / 1000.0);
        Some(Latency {
            p50: millis(500)?,
            p99: millis(990)?,
            p999: millis(999)?,
        })
    }
}

/// Milliseconds within which so many of the answers came.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Latency {
    #[serde(rename = "p50_ms")]
    pub(crate) p50: f64,
    #[serde(rename = "p99_ms")]
    pub(crate) p99: f64,
    #[serde(rename = "p999_ms")]
    pub(crate) p999: f64,
}

/// The least of `sorted` that so many of a thousand do not exceed.
pub(crate) fn micros_at(sorted: &[u32], permille: usize) -> Option<u32> {
    let place = (sorted.len() * permille).div_ceil(1000).saturating_sub(1);
    sorted.get(place).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_answers_that_were_given() {
        let hundred: Vec<u32> = (1..=100).collect();
        assert_eq!(micros_at(&hundred, 500), Some(50));
        assert_eq!(micros_at(&hundred, 990), Some(99));
        assert_eq!(micros_at(&hundred, 999), Some(100));
        assert_eq!(micros_at(&[7], 500), Some(7));
        assert_eq!(micros_at(&[7, 9], 500), Some(7));
        assert_eq!(micros_at(&[], 500), None);
    }

    #[test]
    fn answers_are_counted_by_what_they_are() {
        let mut tally = Tally::default();
        let took = Some(Duration::from_millis(2));
        for (status, took) in [(200, took), (201, None), (202, took), (409, took), (503, took)] {
            tally.answered(status, took);
        }
        let counted = (
            tally.outcomes,
            tally.receipts,
            tally.refused,
            tally.failed,
            tally.measured,
        );
        assert_eq!(counted, (2, 1, 1, 1, 3));
        assert_eq!(tally.latency().map(|latency| latency.p50), Some(2.0));
        let mut all = Tally::default();
        assert_eq!(all.latency(), None);
        all.add(tally.clone());
        all.add(tally);
        assert_eq!((all.outcomes, all.micros.len()), (4, 6));
    }
}

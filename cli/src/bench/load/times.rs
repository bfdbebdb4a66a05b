//! How long requests are sent, and answers waited for.

use std::time::Duration;

/// How long connections and answers are waited for when the time is over.
pub(super) const LAST_ANSWERS: Duration = Duration::from_secs(15);
/// An answer that takes longer is none.
pub(super) const ANSWER: Duration = Duration::from_secs(12);

/// When what is sent and answered counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Times {
    /// Sent before measuring.
    pub(crate) warm_up: Duration,
    pub(crate) measured: Duration,
}

impl Times {
    pub(super) fn all(self) -> Duration {
        self.warm_up + self.measured
    }
}

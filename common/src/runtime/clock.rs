//! Time as a parameter: the one place that reads the machine's clock, and a clock that tests set.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use chrono::{DateTime, TimeDelta, Utc};

/// Tells the time. A shift lets tests live in the past or the future.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    shift_millis: Arc<AtomicI64>,
}

impl Clock {
    /// Now, to the microsecond: what Postgres can store.
    pub fn now(&self) -> DateTime<Utc> {
        #[expect(clippy::disallowed_methods, reason = "the clock is where time is read")]
        let now = Utc::now() + TimeDelta::milliseconds(self.shift_millis.load(Ordering::Relaxed));
        DateTime::from_timestamp_micros(now.timestamp_micros()).unwrap_or(now)
    }

    /// Moves this clock and its clones by `shift`, for tests.
    pub fn shift(&self, shift: TimeDelta) {
        self.shift_millis
            .fetch_add(shift.num_milliseconds(), Ordering::Relaxed);
    }
}

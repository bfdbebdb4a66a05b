//! Envelopes of a later version: they are put aside in the spool, where nobody waits behind them, and a worker of that version finds
//! them. What an operator has to do about it is said aloud, but not for each of them.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use common::telemetry;

use crate::batch::NewerVersion;

/// Between two lines of one process about envelopes that it meets.
const SAY_EVERY: Duration = Duration::from_secs(10);

static LAST_SAID: Mutex<Option<Instant>> = Mutex::new(None);

/// Says that an envelope waits for a newer worker.
pub(crate) fn tell(newer: &NewerVersion) {
    let mut last = LAST_SAID.lock().unwrap_or_else(PoisonError::into_inner);
    if last.is_none_or(|last| last.elapsed() >= SAY_EVERY) {
        *last = Some(Instant::now());
        tracing::error!(
            error = %telemetry::chain(newer),
            "this worker is older than an ingest: update it. Until then what newer ones send waits in the spool"
        );
    }
}

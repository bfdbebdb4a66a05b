//! Keeps the snapshot of keys fresh: at once when the database tells, by a poll in any case.

use std::time::Duration;

use tokio::{
    sync::Notify,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{Keys, ReloadError};
use crate::db::{DbError, Pool, notify, notify::Listener};

/// A revocation whose notification is lost is seen after this and [`POLL_DEADLINE`]: 5 s were promised.
pub const POLL_INTERVAL: Duration = Duration::from_secs(2);
/// How long one reload may take.
pub const POLL_DEADLINE: Duration = Duration::from_secs(2);

/// Refreshes `keys` until `stop`. While the database is down the old snapshot serves.
///
/// The listener occupies one connection of `pool`.
pub async fn refresh(keys: Keys, pool: Pool, stop: CancellationToken) {
    let changed = Notify::new();
    tokio::select! {
        () = stop.cancelled() => {}
        () = reload_forever(&keys, &changed) => {}
        () = listen_forever(&pool, &changed) => {}
    }
}

async fn reload_forever(keys: &Keys, changed: &Notify) {
    let mut failing = false;
    loop {
        let result = keys.reload(POLL_DEADLINE).await;
        report(&result, &mut failing);
        // Whether notified or not, it is time to look: both ends of the wait mean the same.
        drop(timeout(POLL_INTERVAL, changed.notified()).await);
    }
}

/// Says that reloading fails, and that it works again, once each.
fn report(result: &Result<(), ReloadError>, failing: &mut bool) {
    match result {
        Ok(()) if *failing => tracing::info!("API keys are refreshed again"),
        Err(error) if !*failing => {
            tracing::warn!(
                error = error as &dyn std::error::Error,
                "API keys cannot be refreshed"
            );
        }
        Ok(()) | Err(_) => {}
    }
    *failing = result.is_err();
}

async fn listen_forever(pool: &Pool, changed: &Notify) {
    loop {
        let Err(error) = listen(pool, changed).await;
        tracing::debug!(
            error = &error as &dyn std::error::Error,
            "not listening for changed API keys"
        );
        sleep(POLL_INTERVAL).await;
    }
}

async fn listen(pool: &Pool, changed: &Notify) -> Result<std::convert::Infallible, DbError> {
    let mut changes = Listener::open(pool, &[notify::KEYS]).await?;
    // What changed before the ear was open is not told.
    changed.notify_one();
    loop {
        changes.wait(POLL_INTERVAL).await?;
        changed.notify_one();
    }
}

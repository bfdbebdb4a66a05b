//! Wakes the lanes when something is spooled: one listener for all, and a poll in case a call is lost.

use std::time::Duration;

use common::{
    db::{
        DbError, Pool,
        notify::{self, Listener},
    },
    runtime::TaskGroup,
    telemetry,
};
use tokio::sync::watch;

/// A lost call delays a spooled envelope by this much.
const POLL: Duration = Duration::from_millis(250);
const RECONNECT_PAUSE: Duration = Duration::from_millis(500);

/// Starts listening; the value changes whenever the spool is worth a look.
pub(crate) fn start(pool: &Pool, tasks: &TaskGroup) -> watch::Receiver<u64> {
    let (calls, seen) = watch::channel(0);
    let pool = pool.clone();
    tasks.keep("spool listener", move || run(pool.clone(), calls.clone()));
    seen
}

async fn run(pool: Pool, calls: watch::Sender<u64>) {
    loop {
        let error = listen(&pool, &calls).await;
        tracing::warn!(error = %telemetry::chain(&error), "listening for spooled events; trying again");
        tokio::time::sleep(RECONNECT_PAUSE).await;
    }
}

async fn listen(pool: &Pool, calls: &watch::Sender<u64>) -> DbError {
    let mut listener = match Listener::open(pool, &[notify::SPOOL]).await {
        Ok(listener) => listener,
        Err(error) => return error,
    };
    loop {
        if let Err(error) = listener.wait(POLL).await {
            return error;
        }
        calls.send_modify(|calls| *calls += 1);
    }
}

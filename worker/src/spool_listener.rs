//! Wakes the lanes when something is spooled: one listener for all, and a poll in case a call is lost.

use std::time::Duration;

use common::{
    db::{
        Pool,
        notify::{self, Listener},
    },
    telemetry,
};
use tokio::sync::watch;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// A lost call delays a spooled envelope by this much.
const POLL: Duration = Duration::from_millis(250);
const RECONNECT_PAUSE: Duration = Duration::from_millis(500);

/// The value changes whenever the spool is worth a look.
pub(crate) fn start(pool: &Pool, tasks: &TaskTracker, stop: CancellationToken) -> watch::Receiver<u64> {
    let (calls, seen) = watch::channel(0);
    let pool = pool.clone();
    tasks.spawn(async move {
        while !stop.is_cancelled() {
            tokio::select! {
                () = stop.cancelled() => {}
                error = listen(&pool, &calls) => {
                    tracing::warn!(error = %telemetry::chain(&error), "listening for spooled events; trying again");
                    tokio::time::sleep(RECONNECT_PAUSE).await;
                }
            }
        }
    });
    seen
}

async fn listen(pool: &Pool, calls: &watch::Sender<u64>) -> common::db::DbError {
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

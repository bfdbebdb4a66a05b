//! Calls that wake the lanes: something is spooled, or a barrier is set. One listener for all, and a poll in case a call is lost.

use std::time::Duration;

use common::{
    db::{
        DbError, Pool,
        notify::{self, Listener},
        spool_bulk,
    },
    runtime::TaskGroup,
    telemetry,
};
use tokio::sync::watch;

/// A lost call delays a spooled envelope by this much.
const POLL: Duration = Duration::from_millis(250);
const RECONNECT_PAUSE: Duration = Duration::from_millis(500);

/// What a lane hears.
#[derive(Clone, Debug)]
pub(crate) struct Calls {
    /// Changes whenever the spool's express is worth a look, or its bulk.
    pub(crate) spool: watch::Receiver<u64>,
    pub(crate) bulk: watch::Receiver<u64>,
    /// The number of the latest barrier. Of one whose call is lost it is heard again, as long as somebody needs it.
    pub(crate) barriers: watch::Receiver<i64>,
}

#[derive(Clone)]
struct Callers {
    spool: watch::Sender<u64>,
    bulk: watch::Sender<u64>,
    barriers: watch::Sender<i64>,
}

/// Starts listening.
pub(crate) fn start(pool: &Pool, tasks: &TaskGroup) -> Calls {
    let ((spool, spool_seen), (bulk, bulk_seen)) = (watch::channel(0), watch::channel(0));
    let (barriers, barriers_seen) = watch::channel(0);
    let callers = Callers {
        spool,
        bulk,
        barriers,
    };
    let pool = pool.clone();
    tasks.keep("lane calls", move || run(pool.clone(), callers.clone()));
    Calls {
        spool: spool_seen,
        bulk: bulk_seen,
        barriers: barriers_seen,
    }
}

async fn run(pool: Pool, callers: Callers) {
    loop {
        let error = listen(&pool, &callers).await;
        tracing::warn!(error = %telemetry::chain(&error), "listening for spooled events and barriers; trying again");
        tokio::time::sleep(RECONNECT_PAUSE).await;
    }
}

async fn listen(pool: &Pool, callers: &Callers) -> DbError {
    let mut listener = match Listener::open(pool, &[notify::SPOOL, notify::BARRIERS]).await {
        Ok(listener) => listener,
        Err(error) => return error,
    };
    loop {
        let calls = match listener.calls(POLL).await {
            Ok(calls) => calls,
            Err(error) => return error,
        };
        let is_barrier = |call: &&notify::Call| call.channel == notify::BARRIERS;
        let numbers = calls
            .iter()
            .filter(is_barrier)
            .filter_map(|call| call.payload.parse().ok());
        let latest = numbers.max();
        if let Some(latest) = latest {
            callers.barriers.send_if_modified(|number| {
                let is_newer = *number < latest;
                *number = latest.max(*number);
                is_newer
            });
        }
        let is_bulk =
            |call: &&notify::Call| call.channel == notify::SPOOL && call.payload == spool_bulk::CALL;
        if calls.is_empty() || calls.iter().any(|call| !is_barrier(&call) && !is_bulk(&call)) {
            callers.spool.send_modify(|calls| *calls += 1);
        }
        if calls.is_empty() || calls.iter().any(|call| !is_barrier(&call)) {
            callers.bulk.send_modify(|calls| *calls += 1);
        }
    }
}

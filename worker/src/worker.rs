//! A worker of one process: its lanes, the queued events, and what watches over them.

use std::{panic::AssertUnwindSafe, time::Duration};

use common::{
    db::Pool,
    queue::{
        Instances,
        amqp::{ConnectionManager, Topology},
    },
    runtime::Clock,
};
use futures_util::FutureExt as _;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{dead_letter_queue, lane, queued_events, spool_listener};

/// Batches that a worker applies side by side. Two keep the database busy while one of them commits.
pub const DEFAULT_LANES: u16 = 2;
/// Database connections of a worker: two for each lane and for the Postgres loop (the outer transaction of a spooled batch
/// stays open while its events are applied in others), a listener for each queue, one for what the broker gave up.
pub const fn connections(lanes: u16) -> u32 {
    (lanes as u32 + 1) * 2 + 3
}

/// How long the current batches may take to finish after the stop was asked for.
pub const DRAIN_TIMEOUT: Duration = Duration::from_secs(20);

/// The broker, for a worker: one connection consumes, another publishes the replies.
#[derive(Clone, Debug)]
pub struct Broker {
    pub consume: ConnectionManager,
    pub publish: ConnectionManager,
    pub topology: Topology,
}

/// What a worker works with.
#[derive(Clone, Debug)]
pub struct Worker {
    pub pool: Pool,
    pub clock: Clock,
    /// `None`: the spool is the only queue.
    pub broker: Option<Broker>,
    /// Ingest instances in the same process.
    pub instances: Instances,
    pub lanes: u16,
}

/// Works until `stop`; then finishes the batches at hand, answers and acknowledges them.
pub async fn run(worker: Worker, stop: CancellationToken) {
    let tasks = TaskTracker::new();
    let spool = spool_listener::start(&worker.pool, &tasks, stop.clone());
    for number in 0..worker.lanes {
        let (worker, spool, stop) = (worker.clone(), spool.clone(), stop.clone());
        let lane = move || lane::run(worker.clone(), number, spool.clone(), stop.clone());
        tasks.spawn(keep("a lane", lane));
    }
    {
        let (worker, stop) = (worker.clone(), stop.clone());
        tasks.spawn(keep("the Postgres loop", move || {
            queued_events::run(worker.clone(), stop.clone())
        }));
    }
    if let Some(broker) = worker.broker.clone() {
        let (worker, stop) = (worker.clone(), stop.clone());
        tasks.spawn(keep("the drain of undeliverable messages", move || {
            dead_letter_queue::run(worker.clone(), broker.clone(), stop.clone())
        }));
    }
    tasks.close();
    stop.cancelled().await;
    if tokio::time::timeout(DRAIN_TIMEOUT, tasks.wait()).await.is_err() {
        tracing::error!(
            "a batch did not finish within {DRAIN_TIMEOUT:?}; its messages will be delivered again"
        );
    }
}

/// Between a panic of a part of the worker and its next start.
const RESTART_PAUSE: Duration = Duration::from_millis(500);

/// Runs a part of the worker until it ends. When it panics it is started again: what it held goes back and comes again,
/// and a worker that silently works with fewer lanes, or with none, would be worse.
async fn keep<F: Future<Output = ()>>(part: &'static str, start: impl Fn() -> F) {
    while AssertUnwindSafe(start()).catch_unwind().await.is_err() {
        tracing::error!(part, "a part of the worker panicked; it is started again");
        tokio::time::sleep(RESTART_PAUSE).await;
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[tokio::test]
    async fn a_part_that_panics_is_started_again() {
        let starts = Cell::new(0);
        keep("a lane", async || {
            starts.set(starts.get() + 1);
            assert!(starts.get() > 2, "the first two break");
        })
        .await;
        assert_eq!(starts.get(), 3);
    }
}

//! The worker: takes events from the broker and the spool, applies them in batches, answers, and only then acknowledges.
//!
//! What must never live here: rules of money (they are in `common::domain`), SQL or AMQP (they are in `common`).

mod bury;
mod due;
mod intake;
mod lane;
mod process;
mod replies;
pub mod schedules;
mod spool_watch;
mod undeliverable;

use std::time::Duration;

use common::{
    db::Pool,
    queue::{
        Instances,
        amqp::{Link, Topology},
    },
    runtime::Clock,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub use process::{Paused, Process};

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
    pub consume: Link,
    pub publish: Link,
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
    let spool = spool_watch::start(&worker.pool, &tasks, stop.clone());
    for number in 0..worker.lanes {
        tasks.spawn(lane::run(worker.clone(), number, spool.clone(), stop.clone()));
    }
    tasks.spawn(due::run(worker.clone(), stop.clone()));
    if let Some(broker) = worker.broker.clone() {
        tasks.spawn(undeliverable::run(worker.clone(), broker, stop.clone()));
    }
    tasks.close();
    stop.cancelled().await;
    if tokio::time::timeout(DRAIN_TIMEOUT, tasks.wait()).await.is_err() {
        tracing::error!(
            "a batch did not finish within {DRAIN_TIMEOUT:?}; its messages will be delivered again"
        );
    }
}

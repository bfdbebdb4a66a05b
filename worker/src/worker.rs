//! A worker of one process: its lanes, the queued events, and what looks after both.

use std::time::Duration;

use common::{
    db::Pool,
    queue::{Instances, amqp::Broker},
    runtime::{Clock, TaskGroup},
};

use crate::{dead_letter_queue, lane, lane_calls, maintenance, queued_events};

/// Batches that a worker applies side by side. Two keep the database busy while one of them commits.
pub const DEFAULT_LANES: u16 = 2;
/// Database connections of a worker: two for each lane and for the queued events (the outer transaction of a spooled batch
/// stays open while its events are applied in others), a listener for the lanes and one for the queued events, one for maintenance, one for what the
/// broker gave up.
pub const fn connections(lanes: u16) -> u32 {
    (lanes as u32 + 1) * 2 + 4
}

/// How long the current batches may take to finish after the stop was asked for. What is not finished is delivered again.
pub const DRAIN_TIMEOUT: Duration = Duration::from_secs(20);

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

/// Starts a worker in `tasks`. At the end of the group it finishes the batches at hand, answers and acknowledges them.
///
/// A part that panics is started again: what it held goes back and comes again, and a worker that silently works with fewer
/// lanes, or with none, would be worse.
pub fn start(worker: &Worker, tasks: &TaskGroup) {
    let calls = lane_calls::start(&worker.pool, tasks);
    for number in 0..worker.lanes {
        let (worker, calls) = (worker.clone(), calls.clone());
        tasks.keep_draining(format!("lane {number}"), move |stop| {
            lane::run(worker.clone(), number, calls.clone(), stop)
        });
    }
    {
        let worker = worker.clone();
        tasks.keep_draining("queued events", move |stop| {
            queued_events::run(worker.clone(), stop)
        });
    }
    {
        let worker = worker.clone();
        tasks.keep_draining("maintenance", move |stop| maintenance::run(worker.clone(), stop));
    }
    if let Some(broker) = worker.broker.clone() {
        let worker = worker.clone();
        tasks.keep("dead-letter queue", move || {
            dead_letter_queue::run(worker.clone(), broker.clone())
        });
    }
}

//! The parts of a worker: its lanes, the queued events, and what looks after both.

use common::runtime::TaskGroup;

use crate::{
    Worker, bulk_queue, crash_guard::CrashGuard, dead_letter_queue, lane, lane_calls, maintenance,
    pace::ExpressLoad, queued_events, worker::bulk_lanes,
};

/// Starts a worker in `tasks`. At the end of the group it finishes the batches at hand, answers and acknowledges them.
///
/// A part that panics is started again: what it held goes back and comes again, and a worker that silently works with fewer
/// lanes, or with none, would be worse.
pub fn start(worker: &Worker, tasks: &TaskGroup) {
    let calls = lane_calls::start(&worker.pool, tasks);
    let guard = CrashGuard::new(&worker.pool, &worker.clock);
    let express = ExpressLoad::default();
    for number in 0..worker.lanes {
        let (worker, guard, calls, express) = (worker.clone(), guard.clone(), calls.clone(), express.clone());
        tasks.keep_draining(format!("lane {number}"), move |stop| {
            lane::run(
                worker.clone(),
                guard.clone(),
                number,
                calls.clone(),
                express.clone(),
                stop,
            )
        });
    }
    for number in 0..bulk_lanes(worker.lanes) {
        let (worker, guard, calls, express) = (worker.clone(), guard.clone(), calls.clone(), express.clone());
        tasks.keep_draining(format!("bulk lane {number}"), move |stop| {
            lane::bulk::run(
                worker.clone(),
                guard.clone(),
                number,
                calls.clone(),
                express.clone(),
                stop,
            )
        });
    }
    {
        let worker = worker.clone();
        tasks.keep_draining("queued events", move |stop| {
            queued_events::run(worker.clone(), guard.clone(), express.pace(), stop)
        });
    }
    {
        let worker = worker.clone();
        tasks.keep_draining("maintenance", move |stop| maintenance::run(worker.clone(), stop));
    }
    if let Some(broker) = worker.broker.clone() {
        let (worker, calls) = (worker.clone(), calls.barriers.clone());
        tasks.keep_draining("bulk queue", move |stop| {
            bulk_queue::run(worker.clone(), broker.clone(), calls.clone(), stop)
        });
    }
    if let Some(broker) = worker.broker.clone() {
        let worker = worker.clone();
        tasks.keep("dead-letter queue", move || {
            dead_letter_queue::run(worker.clone(), broker.clone())
        });
    }
}

//! Maintenance: small tasks beside the events, one a file, each with its own period and its own failures. One that fails is
//! tried again soon and keeps the others waiting no longer than it runs.
//!
//! Every worker runs all of them: each does its work in one transaction that others of its kind see or skip.

mod close_months;
mod drop_days;
mod internal_event;
mod make_days;
mod queue_due;
mod recount_bonuses;
mod sweep_marks;
mod sweep_parked;
mod sweep_parked_keys;
mod task;

use common::{db::settings, message::EventIds, telemetry};
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

pub use close_months::{BONUS_GRACE_DAYS, BONUS_MONTHS, close_months};
pub use queue_due::{TURN_SCHEDULES, queue_due};
pub use recount_bonuses::{TURN_BONUSES, recount_bonuses};

use self::task::{Context, PARTITIONS_RETRY, RETRY, Task};
use crate::Worker;

/// In the order in which they run when several are due.
const TASKS: [Task; 8] = [
    make_days::TASK,
    drop_days::TASK,
    sweep_parked::TASK,
    sweep_parked_keys::TASK,
    sweep_marks::TASK,
    close_months::TASK,
    queue_due::TASK,
    recount_bonuses::TASK,
];

/// Runs all tasks, each when it is due, until `stop`.
pub(crate) async fn run(worker: Worker, stop: CancellationToken) {
    let Some(context) = stop.run_until_cancelled(context(&worker)).await else {
        return;
    };
    let mut due = TASKS.map(|_| Instant::now());
    while !stop.is_cancelled() {
        for (task, due) in TASKS.iter().zip(&mut due) {
            if Instant::now() >= *due && !stop.is_cancelled() {
                *due = Instant::now() + task.attempt(&context).await;
            }
        }
        let next = due.iter().min().copied().unwrap_or_else(Instant::now);
        stop.run_until_cancelled(sleep_until(next)).await;
    }
}

/// Waits for the database, which may come later than the worker.
async fn context(worker: &Worker) -> Context {
    loop {
        let ids = match settings::receipt_secret(&worker.pool).await {
            Ok(secret) => EventIds::new(&secret),
            Err(error) => {
                tracing::warn!(error = %telemetry::chain(&error), "maintenance waits for the database");
                sleep(RETRY).await;
                continue;
            }
        };
        if let Some(ids) = ids {
            return Context {
                pool: worker.pool.clone(),
                clock: worker.clock.clone(),
                ids,
            };
        }
        tracing::error!("the receipt secret cannot be used: there is no maintenance");
        sleep(PARTITIONS_RETRY).await;
    }
}

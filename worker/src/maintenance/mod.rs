//! Maintenance: small tasks beside the events, one a file, each with its own period and its own failures. One that fails is
//! tried again soon and keeps the others waiting no longer than it runs.
//!
//! Every worker runs all of them: each does its work in one transaction that others of its kind see or skip.

mod close_months;
mod drop_days;
mod make_days;
mod queue_due;
mod sweep_parked;
mod sweep_parked_keys;

use std::time::Duration;

use chrono::{DateTime, Utc};
use common::{
    db::{DbError, Pool, settings},
    domain::{Body, Dialect, Event, OrgId, Scheduled},
    message::EventIds,
    runtime::Clock,
    telemetry,
};
use futures_util::future::BoxFuture;
use secrecy::ExposeSecret as _;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

pub use close_months::{BONUS_GRACE_DAYS, BONUS_MONTHS, close_months};
pub use queue_due::{TURN_SCHEDULES, queue_due};

use crate::Worker;

/// What failed is tried again after this.
const RETRY: Duration = Duration::from_secs(2);
/// Before more of the same, so that the events in between are applied meanwhile.
const MORE_PAUSE: Duration = Duration::from_millis(100);
/// How long making and dropping days waits for the table: everybody else waits behind it.
const PARTITIONS_LOCK_WAIT: Duration = Duration::from_millis(200);
/// Between two looks at the partitions.
const PARTITIONS_EVERY: Duration = Duration::from_hours(1);
/// Somebody reads the table that is to be changed: there are days left to do it.
const PARTITIONS_RETRY: Duration = Duration::from_mins(1);

/// In the order in which they run when several are due.
const TASKS: [Task; 6] = [
    make_days::TASK,
    drop_days::TASK,
    sweep_parked::TASK,
    sweep_parked_keys::TASK,
    close_months::TASK,
    queue_due::TASK,
];

/// One of the tasks.
struct Task {
    name: &'static str,
    every: Duration,
    retry: Duration,
    run: for<'a> fn(&'a Context) -> BoxFuture<'a, Result<Done, DbError>>,
}

/// What a task works with.
struct Context {
    pool: Pool,
    clock: Clock,
    ids: EventIds,
}

enum Done {
    All,
    /// There may be more to do.
    More,
}

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
            Ok(secret) => EventIds::new(secret.expose_secret()),
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

impl Task {
    /// Runs it; returns when it is due again.
    async fn attempt(&self, context: &Context) -> Duration {
        match (self.run)(context).await {
            Ok(Done::All) => self.every,
            Ok(Done::More) => MORE_PAUSE,
            Err(error) => {
                tracing::error!(
                    maintenance = self.name,
                    error = %telemetry::chain(&error),
                    "a maintenance task failed; it is tried again"
                );
                self.retry
            }
        }
    }
}

/// An event that nobody sent.
fn internal_event(ids: &EventIds, org: OrgId, scheduled: Scheduled, now: DateTime<Utc>) -> Event {
    Event {
        id: ids.issue(org, now),
        org: Some(org),
        dialect: Dialect::Internal,
        received_at: now,
        authenticated: true,
        program_scope: None,
        idempotency: None,
        wait_until: None,
        request_id: None,
        trace: None,
        body: Body::Scheduled(scheduled),
    }
}

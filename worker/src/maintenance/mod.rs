//! Housekeeping beside the Postgres loop. Each chore has its own time and its own failures: one that fails is tried again
//! soon, and keeps neither events nor the other chores waiting.

use std::time::Duration;

use chrono::{DateTime, Utc};
use common::{
    db::{self, DbError, Pool, events, partitions, spool},
    message::EventIds,
    telemetry,
};
use tokio::time::Instant;

use crate::{Worker, schedules};

/// Between two sweeps of parked events.
const SWEEP: Duration = Duration::from_secs(5);
/// Between two looks for months that have ended.
const BONUSES: Duration = Duration::from_mins(10);
/// Between two looks at the partitions.
const PARTITIONS: Duration = Duration::from_hours(1);
/// Somebody reads the table that is to be changed: there are days left to do it.
const PARTITIONS_RETRY: Duration = Duration::from_mins(1);
/// How long making and dropping days waits for the table: everybody else waits behind it.
const PARTITIONS_LOCK_WAIT: Duration = Duration::from_millis(200);
/// What failed is tried again after this.
const RETRY: Duration = Duration::from_secs(2);

/// When something is to be done next.
struct Timer {
    what: &'static str,
    every: Duration,
    retry: Duration,
    at: Instant,
}

impl Timer {
    fn new(what: &'static str, every: Duration, retry: Duration) -> Self {
        let at = Instant::now();
        Self {
            what,
            every,
            retry,
            at,
        }
    }

    fn is_due(&self) -> bool {
        Instant::now() >= self.at
    }

    /// Sets the next time; `None` when it failed.
    fn done<T>(&mut self, result: Result<T, DbError>) -> Option<T> {
        let pause = if result.is_ok() { self.every } else { self.retry };
        self.at = Instant::now() + pause;
        result
            .inspect_err(|error| {
                tracing::error!(chore = self.what, error = %telemetry::chain(error), "a chore failed; it is tried again");
            })
            .ok()
    }
}

pub(crate) struct Maintenance {
    ids: EventIds,
    make_days: Timer,
    drop_days: Timer,
    sweep: Timer,
    bonuses: Timer,
    schedules: Timer,
}

impl Maintenance {
    pub(crate) fn new(ids: EventIds) -> Self {
        Self {
            ids,
            make_days: Timer::new("making days of events", PARTITIONS, PARTITIONS_RETRY),
            drop_days: Timer::new("dropping days of events", PARTITIONS, PARTITIONS_RETRY),
            sweep: Timer::new("sweeping parked events", SWEEP, RETRY),
            bonuses: Timer::new("closing months", BONUSES, RETRY),
            schedules: Timer::new("queueing what falls due", Duration::ZERO, RETRY),
        }
    }

    /// Does what it is time for; `true` when more events may be due.
    pub(crate) async fn run(&mut self, worker: &Worker) -> bool {
        let (pool, now) = (&worker.pool, worker.clock.now());
        if self.make_days.is_due()
            && let Some(made) = self.make_days.done(make_days(pool, now).await)
            && made > 0
        {
            tracing::info!(made, "days of events");
        }
        if self.drop_days.is_due()
            && let Some(dropped) = self.drop_days.done(drop_days(pool, now).await)
            && dropped > 0
        {
            tracing::info!(dropped, "days of events");
        }
        if self.sweep.is_due() {
            self.sweep.done(sweep(pool, now).await);
        }
        if self.bonuses.is_due()
            && let Some(queued) = self
                .bonuses
                .done(schedules::queue_bonuses(pool, &self.ids, now).await)
            && queued > 0
        {
            tracing::info!(queued, "bonuses of a month that has ended");
        }
        self.schedules.is_due()
            && self
                .schedules
                .done(schedules::queue_due(pool, &self.ids, now).await)
                .unwrap_or(false)
    }
}

async fn make_days(pool: &Pool, now: DateTime<Utc>) -> Result<i32, DbError> {
    let mut transaction = db::begin(pool).await?;
    db::limit_lock_waits(&mut transaction, PARTITIONS_LOCK_WAIT).await?;
    let made = partitions::make(&mut transaction, now).await?;
    db::commit(transaction).await?;
    Ok(made)
}

async fn drop_days(pool: &Pool, now: DateTime<Utc>) -> Result<i32, DbError> {
    let mut transaction = db::begin(pool).await?;
    db::limit_lock_waits(&mut transaction, PARTITIONS_LOCK_WAIT).await?;
    let dropped = partitions::drop_old(&mut transaction, now).await?;
    db::commit(transaction).await?;
    Ok(dropped)
}

async fn sweep(pool: &Pool, now: DateTime<Utc>) -> Result<(), DbError> {
    let mut transaction = db::begin(pool).await?;
    let (queued, dead) = events::sweep_parked(&mut transaction, now).await?;
    let spooled = spool::depth(&mut transaction).await?;
    db::commit(transaction).await?;
    telemetry::metrics::spool_envelopes(u32::try_from(spooled).unwrap_or(u32::MAX));
    if dead > 0 {
        telemetry::metrics::dead("missing_parent".to_owned(), dead);
        tracing::warn!(
            dead,
            queued,
            "parked events waited too long for their orders: see `commissary dlq list`"
        );
    }
    Ok(())
}

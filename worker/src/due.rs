//! The Postgres loop: events that have rows and wait for their turn (replays, imports, parked ones whose order came, what
//! falls due by itself), and the housekeeping of the events table. One worker at a time, at a rate that leaves live traffic alone.

use std::time::Duration;

use common::{
    db::{self, DbError, Pool, events, locks, notify, notify::Listener, partitions, settings, spool},
    domain::Incoming,
    message::EventIds,
    telemetry,
};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::{Paused, Process, Worker, replies, schedules};

/// Queued events applied in one turn.
const TURN_EVENTS: i64 = 200;
/// Between two turns while there is more: 2,000 events a second at most.
const TURN_PAUSE: Duration = Duration::from_millis(100);
/// Between two looks when nothing was there.
const POLL: Duration = Duration::from_secs(1);
/// Between two looks at the least: another worker may be the one that applies what is due.
const SHORTEST: Duration = Duration::from_millis(20);
/// Between two sweeps of parked events.
const SWEEP: Duration = Duration::from_secs(5);
/// Between two looks for months that have ended.
const BONUSES: Duration = Duration::from_mins(10);
/// Between two looks at the partitions.
const PARTITIONS: Duration = Duration::from_hours(1);
const FAILURE_PAUSE: Duration = Duration::from_secs(2);

#[derive(Debug, thiserror::Error)]
enum DueError {
    #[error(transparent)]
    Db(#[from] DbError),
    #[error(transparent)]
    Paused(#[from] Paused),
    #[error("the receipt secret cannot be used")]
    Secret,
}

pub(crate) async fn run(worker: Worker, stop: CancellationToken) {
    let process = Process::new(worker.pool.clone(), worker.clock.clone());
    while !stop.is_cancelled() {
        if let Err(error) = listen(&worker, &process, &stop).await {
            tracing::warn!(error = %telemetry::chain(&error), "queued events wait");
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(FAILURE_PAUSE) => {}
            }
        }
    }
}

async fn listen(worker: &Worker, process: &Process, stop: &CancellationToken) -> Result<(), DueError> {
    let mut listener = Listener::open(&worker.pool, &[notify::EVENTS]).await?;
    let secret = settings::receipt_secret(&worker.pool).await?;
    let ids = EventIds::new(secret.expose()).ok_or(DueError::Secret)?;
    let mut sweep_at = Instant::now();
    let mut bonuses_at = Instant::now();
    let mut partitions_at = Instant::now();
    while !stop.is_cancelled() {
        if Instant::now() >= partitions_at {
            maintain_partitions(worker).await;
            partitions_at = Instant::now() + PARTITIONS;
        }
        if Instant::now() >= sweep_at {
            sweep(worker).await?;
            sweep_at = Instant::now() + SWEEP;
        }
        if Instant::now() >= bonuses_at {
            queue_bonuses(worker, &ids).await?;
            bonuses_at = Instant::now() + BONUSES;
        }
        let scheduled = schedules::queue_due(&worker.pool, &ids, worker.clock.now()).await?;
        let more = turn(worker, process).await? || scheduled;
        let pause = if more {
            TURN_PAUSE
        } else {
            until_due(worker).await?
        };
        tokio::select! {
            () = stop.cancelled() => {}
            waited = listener.wait(pause) => {
                waited?;
            }
        }
    }
    Ok(())
}

/// How long nothing becomes due, as far as is known.
async fn until_due(worker: &Worker) -> Result<Duration, DueError> {
    let mut transaction = db::begin(&worker.pool).await?;
    let next = events::next_due(&mut transaction).await?;
    db::rollback(transaction).await?;
    let wait = next.map(|next| (next - worker.clock.now()).to_std().unwrap_or_default());
    Ok(wait.map_or(POLL, |wait| wait.clamp(SHORTEST, POLL)))
}

/// Applies what is due; `true` when there may be more. The outer transaction only holds the lock that makes this worker
/// the one that does it; the events have transactions of their own.
async fn turn(worker: &Worker, process: &Process) -> Result<bool, DueError> {
    let mut outer = db::begin_outer(&worker.pool).await?;
    if !locks::try_lock_task(&mut outer, "due").await? {
        db::rollback(outer).await?;
        return Ok(false);
    }
    let due = events::due(&mut outer, worker.clock.now(), TURN_EVENTS).await?;
    let more = i64::try_from(due.len()).is_ok_and(|count| count >= TURN_EVENTS);
    if !due.is_empty() {
        let queued: Vec<Incoming> = due
            .into_iter()
            .map(|event| Incoming { event, queued: true })
            .collect();
        let decided = process.run(&queued).await?;
        let now = worker.clock.now();
        if decided.iter().any(|one| one.event.is_awaited(now)) {
            replies::call_readers(&worker.pool).await;
        }
    }
    db::rollback(outer).await?;
    Ok(more)
}

async fn sweep(worker: &Worker) -> Result<(), DueError> {
    let mut transaction = db::begin(&worker.pool).await?;
    let (queued, dead) = events::sweep_parked(&mut transaction, worker.clock.now()).await?;
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

async fn queue_bonuses(worker: &Worker, ids: &EventIds) -> Result<(), DueError> {
    let queued = schedules::queue_bonuses(&worker.pool, ids, worker.clock.now()).await?;
    if queued > 0 {
        tracing::info!(queued, "bonuses of a month that has ended");
    }
    Ok(())
}

async fn maintain_partitions(worker: &Worker) {
    match maintain(&worker.pool, worker).await {
        Ok((made, dropped)) if made + dropped > 0 => tracing::info!(made, dropped, "days of events"),
        Ok(_) => {}
        Err(error) => tracing::error!(error = %telemetry::chain(&error), "days of events could not be made"),
    }
}

async fn maintain(pool: &Pool, worker: &Worker) -> Result<(i32, i32), DbError> {
    let mut transaction = db::begin(pool).await?;
    let result = partitions::maintain(&mut transaction, worker.clock.now()).await?;
    db::commit(transaction).await?;
    Ok(result)
}

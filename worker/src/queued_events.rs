//! Queued events: those that have rows and wait for their turn (replays, imports, parked ones whose order came, what falls
//! due by itself). One worker at a time applies them, at a rate that leaves live traffic alone.

use std::time::Duration;

use chrono::TimeDelta;
use common::{
    apply::event_rows,
    db::{self, DbError, events, locks, notify, notify::Listener},
    domain::{EventId, Incoming},
    telemetry,
};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use crate::{BatchApplier, Paused, Worker, batch, reply_publisher};

/// Queued events applied in one turn.
const TURN_EVENTS: i64 = 200;
/// Between two turns at the least: 2,000 events a second at most, and a spread of due times makes no tiny batches.
const TURN_PAUSE: Duration = Duration::from_millis(100);
/// Between two looks when nothing is there, or another worker does it.
const POLL: Duration = Duration::from_secs(1);
const FAILURE_PAUSE: Duration = Duration::from_secs(2);
/// How long an event waits that this worker cannot read, for a newer one or for an operator.
const UNREADABLE_WAIT: TimeDelta = TimeDelta::minutes(1);

#[derive(Debug, thiserror::Error)]
enum QueuedError {
    #[error(transparent)]
    Db(#[from] DbError),
    #[error(transparent)]
    Paused(#[from] Paused),
}

/// Applies what is due, until `stop`.
pub(crate) async fn run(worker: Worker, stop: CancellationToken) {
    let applier = BatchApplier::new(worker.pool.clone(), worker.clock.clone());
    while !stop.is_cancelled() {
        if let Err(error) = listen(&worker, &applier, &stop).await {
            wait_out(&error, &stop).await;
        }
    }
}

async fn wait_out(error: &QueuedError, stop: &CancellationToken) {
    tracing::warn!(error = %telemetry::chain(error), "queued events wait");
    stop.run_until_cancelled(tokio::time::sleep(FAILURE_PAUSE)).await;
}

/// Until the stop, or until the listener's connection is lost.
async fn listen(
    worker: &Worker,
    applier: &BatchApplier,
    stop: &CancellationToken,
) -> Result<(), QueuedError> {
    let mut listener = Listener::open(&worker.pool, &[notify::EVENTS]).await?;
    while !stop.is_cancelled() {
        let wait = match turn(worker, applier).await {
            Ok(Turn::Elsewhere) => Ok(POLL),
            Ok(Turn::Done { more: true }) => Ok(TURN_PAUSE),
            Ok(Turn::Done { more: false }) => until_due(worker).await,
            Err(error) => Err(error),
        };
        match wait {
            Ok(wait) => {
                if let Some(waited) = stop.run_until_cancelled(listener.wait(wait)).await {
                    waited?;
                }
            }
            Err(error) => wait_out(&error, stop).await,
        }
    }
    Ok(())
}

/// How long nothing becomes due, as far as is known.
async fn until_due(worker: &Worker) -> Result<Duration, QueuedError> {
    let next = db::in_transaction(&worker.pool, async |transaction| {
        events::next_due(transaction).await
    });
    let next = next.await?;
    let wait = next.map(|next| (next - worker.clock.now()).to_std().unwrap_or_default());
    Ok(wait.map_or(POLL, |wait| wait.clamp(TURN_PAUSE, POLL)))
}

enum Turn {
    /// Another worker applies what is due.
    Elsewhere,
    Done {
        /// There may be more.
        more: bool,
    },
}

/// Applies what is due. The outer transaction only holds the lock that makes this worker
/// the one that does it; the events have transactions of their own.
async fn turn(worker: &Worker, applier: &BatchApplier) -> Result<Turn, QueuedError> {
    let mut outer = db::begin_outer(&worker.pool).await?;
    if !locks::try_lock_task(&mut outer, "due").await? {
        db::rollback(outer).await?;
        return Ok(Turn::Elsewhere);
    }
    let due = events::due(&mut outer, worker.clock.now(), TURN_EVENTS).await?;
    let count = due.events.len() + due.unreadable.len();
    let more = i64::try_from(count).is_ok_and(|count| count >= TURN_EVENTS);
    if !due.unreadable.is_empty() {
        put_off(worker, &due.unreadable).await?;
    }
    if !due.events.is_empty() {
        let queued: Vec<Incoming> = due
            .events
            .into_iter()
            .map(|event| Incoming { event, queued: true })
            .collect();
        let span = batch::span("queued", None, &queued, None);
        span.in_scope(|| batch::log_events(&queued));
        let decided = applier.run(&queued).instrument(span).await?;
        let now = worker.clock.now();
        if decided.iter().any(|decision| decision.event.is_awaited(now)) {
            reply_publisher::call_readers(&worker.pool).await;
        }
    }
    db::rollback(outer).await?;
    Ok(Turn::Done { more })
}

/// What a newer version wrote waits for a worker of that version, and keeps nobody else waiting.
async fn put_off(worker: &Worker, unreadable: &[(EventId, DbError)]) -> Result<(), DbError> {
    if let Some((first, error)) = unreadable.first() {
        tracing::error!(
            events = unreadable.len(),
            event.id = %first,
            error = %telemetry::chain(error),
            "queued events cannot be read by this worker: update it, or edit or discard them"
        );
    }
    let ids: Vec<EventId> = unreadable.iter().map(|(id, _)| *id).collect();
    let until = worker.clock.now() + UNREADABLE_WAIT;
    db::in_transaction(&worker.pool, async |transaction| {
        event_rows::put_off(transaction, &ids, until).await
    })
    .await
}

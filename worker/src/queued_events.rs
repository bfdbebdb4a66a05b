//! Queued events: those that have rows and wait for their turn (replays, imports, parked ones whose order came, what falls
//! due by itself). One worker at a time applies them, at a rate that leaves live traffic alone.

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use chrono::TimeDelta;
use common::{
    apply::event_rows,
    db::{
        self, DbError,
        events::{self, Due},
        locks,
        notify::{self, Listener},
    },
    domain::{Decision, Event, EventId, Incoming, Outcome},
    telemetry::{self, metrics},
};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use crate::{
    BatchApplier, Paused, Worker,
    barriers::Setter,
    batch,
    crash_guard::{Care, CrashGuard, Taker},
    outcomes,
    pace::Pace,
    queued_outcomes, reply_publisher,
};

/// Queued events applied in one turn, but for those that wait for what they need: these are live traffic.
const TURN_EVENTS: usize = 200;
/// Queued events looked at in one turn, while some of them wait for what they need.
const TURN_WAITING: usize = 1_000;
/// Between two turns at the least: 2,000 replayed and imported events a second at most, and a spread of due times makes no tiny
/// batches.
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
pub(crate) async fn run(worker: Worker, guard: CrashGuard, pace: Pace, stop: CancellationToken) {
    let mut turns = Turns {
        pace,
        guard,
        taker: Taker::new("queued events"),
        stop: stop.clone(),
        applier: BatchApplier::new(worker.pool.clone(), worker.clock.clone()),
        barriers: Setter::new(&worker.pool, worker.broker.as_ref()),
        limit: TURN_EVENTS,
        worker,
    };
    while !stop.is_cancelled() {
        if let Err(error) = turns.listen(&stop).await {
            wait_out(&error, &stop).await;
        }
    }
    turns.guard.leave(&turns.taker).await;
}

async fn wait_out(error: &QueuedError, stop: &CancellationToken) {
    tracing::warn!(error = %telemetry::chain(error), "queued events wait");
    stop.run_until_cancelled(tokio::time::sleep(FAILURE_PAUSE)).await;
}

/// What applies queued events, turn by turn.
struct Turns {
    /// They are bulk.
    pace: Pace,
    worker: Worker,
    applier: BatchApplier,
    guard: CrashGuard,
    taker: Taker,
    stop: CancellationToken,
    barriers: Setter,
    /// How many events the next turn looks at.
    limit: usize,
}

enum Turn {
    /// Another worker applies what is due.
    Elsewhere,
    Done {
        /// There may be more.
        more: bool,
    },
}

impl Turns {
    /// Until the stop, or until the listener's connection is lost.
    async fn listen(&mut self, stop: &CancellationToken) -> Result<(), QueuedError> {
        let mut listener = Listener::open(&self.worker.pool, &[notify::EVENTS]).await?;
        while !stop.is_cancelled() {
            let wait = match self.turn().await {
                Ok(Turn::Elsewhere) => Ok(POLL),
                Ok(Turn::Done { more: true }) => Ok(TURN_PAUSE),
                Ok(Turn::Done { more: false }) => self.until_due().await,
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
    async fn until_due(&self) -> Result<Duration, QueuedError> {
        let next = db::in_transaction(&self.worker.pool, async |transaction| {
            events::next_due(transaction).await
        });
        let next = next.await?;
        let wait = next.map(|next| (next - self.worker.clock.now()).to_std().unwrap_or_default());
        Ok(wait.map_or(POLL, |wait| wait.clamp(TURN_PAUSE, POLL)))
    }

    /// Applies what is due. The outer transaction only holds the lock that makes this worker
    /// the one that does it; the events have transactions of their own.
    async fn turn(&mut self) -> Result<Turn, QueuedError> {
        let worker = &self.worker;
        let mut outer = db::begin_outer(&worker.pool).await?;
        if !locks::try_lock_task(&mut outer, "due").await? {
            db::rollback(outer).await?;
            return Ok(Turn::Elsewhere);
        }
        let limit = i64::try_from(self.limit).unwrap_or(i64::MAX);
        let mut due = events::due(&mut outer, worker.clock.now(), limit).await?;
        let more = due.events.len() + due.unreadable.len() >= self.limit;
        let mut others = 0;
        due.events.retain(|event| {
            others += usize::from(!due.waits_since.contains_key(&event.id));
            others <= TURN_EVENTS || due.waits_since.contains_key(&event.id)
        });
        let tried = std::mem::take(&mut due.tried);
        let is_waited_for = !due.waits_since.is_empty();
        self.limit = if is_waited_for { TURN_WAITING } else { TURN_EVENTS };
        if !due.unreadable.is_empty() {
            put_off(worker, &due.unreadable).await?;
        }
        let (waiting, ready) = self.behind_barriers(due).await?;
        if !waiting.is_empty() {
            let now = self.worker.clock.now();
            db::in_transaction(&self.worker.pool, async |connection| {
                event_rows::let_wait(connection, &waiting, now).await
            })
            .await?;
        }
        if !ready.is_empty() {
            self.apply(ready, &tried).await?;
        }
        db::rollback(outer).await?;
        Ok(Turn::Done { more })
    }

    /// Parts those that can only be told whether anything earlier is under way, while that is not known, from the others.
    async fn behind_barriers(&mut self, due: Due) -> Result<(Vec<EventId>, Vec<Event>), QueuedError> {
        let Some(latest) = due.waits_since.values().max() else {
            return Ok((Vec::new(), due.events));
        };
        let passed = self.barriers.advance(*latest).await?;
        let is_waiting = |event: &Event| {
            let since = due.waits_since.get(&event.id);
            !event.is_change() && since.is_some_and(|since| *since >= passed)
        };
        let (waiting, ready): (Vec<Event>, Vec<Event>) = due.events.into_iter().partition(is_waiting);
        Ok((waiting.iter().map(|event| event.id).collect(), ready))
    }

    async fn apply_part(
        &self,
        part: &[Incoming],
        care: Care,
        decided: &mut Vec<Decision>,
    ) -> Result<(), Paused> {
        let mut careful = self.guard.begin(&self.taker, part, care).await?;
        while let Some(decisions) = careful.next(&self.applier).await? {
            outcomes::note(&decisions);
            decided.extend(decisions);
            if care == Care::Suspect && self.stop.is_cancelled() {
                break;
            }
        }
        Ok(())
    }

    async fn apply(&mut self, due: Vec<Event>, tried: &HashSet<EventId>) -> Result<(), QueuedError> {
        let began = Instant::now();
        let care = self.guard.events(&self.taker, &due).await?;
        let due = due.into_iter();
        let queued: Vec<Incoming> = due.map(|event| Incoming { event, queued: true }).collect();
        let span = batch::span("queued", None, &queued, None);
        let applied = async {
            batch::log_events(&queued);
            let (mut decided, mut left) = (Vec::with_capacity(queued.len()), queued.as_slice());
            while !left.is_empty() {
                let (part, rest) = left.split_at(self.pace.part().min(left.len()));
                let (turn, began) = (self.pace.turn().await, Instant::now());
                self.apply_part(part, care, &mut decided).await?;
                self.pace.rest(turn, part.len(), began.elapsed()).await;
                left = rest;
                // What is left is due still.
                if care == Care::Suspect && self.stop.is_cancelled() {
                    break;
                }
            }
            Ok::<_, Paused>(decided)
        };
        let decided = applied.instrument(span).await?;
        queued_outcomes::note(&decided, tried);
        metrics::batch("queued", began.elapsed());
        let now = self.worker.clock.now();
        let is_answer =
            |decision: &Decision| decision.event.is_awaited(now) && decision.outcome != Outcome::Queued;
        if decided.iter().any(is_answer) {
            reply_publisher::call_readers(&self.worker.pool).await;
        }
        Ok(())
    }
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

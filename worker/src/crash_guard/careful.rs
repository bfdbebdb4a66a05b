//! Applies a batch part by part, with the marks by which whoever comes after a crash knows what caused it.

use std::{
    collections::{HashSet, VecDeque},
    time::{Duration, Instant},
};

use common::{
    db::{DbError, crash_marks, crash_marks::Found, dead_letters::Failure, events},
    domain::{Decision, EventId, Incoming, Outcome, RowWrite},
    telemetry::{self, metrics},
};
use tokio::sync::OwnedRwLockWriteGuard;

use super::{
    Care, CrashGuard, Taker,
    parts::{Part, cut},
};
use crate::{BatchApplier, Paused, dead_letter};

/// Events that are applied alone follow each other for so long before others of the process have a turn.
const ALONE_SLICE: Duration = Duration::from_millis(200);

/// A batch that is being applied.
pub(crate) struct Careful<'a> {
    guard: &'a CrashGuard,
    taker: &'a Taker,
    parts: VecDeque<Part<'a>>,
    /// Since when nobody else in this process applies anything.
    alone: Option<(OwnedRwLockWriteGuard<()>, Instant)>,
}

impl CrashGuard {
    /// Begins with a batch.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn begin<'a>(
        &'a self,
        taker: &'a Taker,
        events: &'a [Incoming],
        care: Care,
    ) -> Result<Careful<'a>, Paused> {
        let parts = match care {
            Care::Plain => vec![Part::Plain(events)],
            Care::Suspect => self.parts(taker, events).await.map_err(paused)?,
        };
        Ok(Careful {
            guard: self,
            taker,
            parts: parts.into(),
            alone: None,
        })
    }

    async fn parts<'a>(&self, taker: &Taker, events: &'a [Incoming]) -> Result<Vec<Part<'a>>, DbError> {
        let ids = ids(events);
        let mut connection = self.connection().await?;
        let known = events::known(&mut connection, &ids).await?;
        let queued: HashSet<EventId> = events
            .iter()
            .filter(|one| one.queued)
            .map(|one| one.event.id)
            .collect();
        // Of a queued event the row is the event itself.
        let is_decided =
            |(id, outcome): &(EventId, Outcome)| *outcome != Outcome::Queued || !queued.contains(id);
        let known = known.into_iter().filter(is_decided).map(|(id, _)| id).collect();
        let found = crash_marks::find(&mut connection, taker.id, &ids).await?;
        let found = found.into_iter().map(|found| (found.event, found)).collect();
        let parts = cut(events, Care::Suspect, &known, &found);
        let count = |is: fn(&Part<'_>) -> bool| parts.iter().filter(|part| is(part)).count();
        let alone = count(|part| matches!(part, Part::Alone(_)));
        tracing::warn!(
            events = events.len(),
            known = known.len(),
            alone,
            "a process may have ended in the middle of what is applied here: it is applied with care"
        );
        Ok(parts)
    }
}

impl Careful<'_> {
    /// Applies the next part. `None`: all of the batch is.
    ///
    /// # Errors
    /// [`Paused`]: nothing is lost; begin again with the same batch.
    pub(crate) async fn next(&mut self, applier: &BatchApplier) -> Result<Option<Vec<Decision>>, Paused> {
        let Some(part) = self.parts.pop_front() else {
            return Ok(None);
        };
        let decided = match part {
            Part::Plain(events) => {
                self.alone = None;
                let _beside = self.guard.gate.read().await;
                applier.run(events).await?
            }
            Part::Together(events) => {
                self.alone = None;
                let _beside = self.guard.gate.read().await;
                self.mark(events).await?;
                metrics::suspected("together", events.len());
                let applied = applier.run(events).await;
                self.unmark(events, applied).await?
            }
            Part::Alone(event) => {
                self.exclude_others().await;
                let events = std::slice::from_ref(event);
                self.mark(events).await?;
                metrics::suspected("alone", 1);
                let applied = applier.run_alone(event).await;
                self.unmark(events, applied).await?
            }
            Part::Dead(event, found) => vec![self.bury(event, &found).await.map_err(paused)?],
        };
        Ok(Some(decided))
    }

    /// Whether nothing of the batch is left.
    pub(crate) fn is_done(&self) -> bool {
        self.parts.is_empty()
    }

    async fn exclude_others(&mut self) {
        if self
            .alone
            .as_ref()
            .is_none_or(|(_, since)| since.elapsed() > ALONE_SLICE)
        {
            self.alone = None;
            let gate = std::sync::Arc::clone(&self.guard.gate);
            self.alone = Some((gate.write_owned().await, Instant::now()));
        }
    }

    async fn mark(&self, events: &[Incoming]) -> Result<(), Paused> {
        let Taker { id, place } = self.taker;
        let mark = async {
            crash_marks::begin(&mut *self.guard.connection().await?, *id, place, &ids(events)).await
        };
        mark.await.map_err(paused)
    }

    /// What was decided is suspect no more, and a pause is no crash. If nobody hears that, the event is known, or one find more is
    /// counted.
    async fn unmark(
        &self,
        events: &[Incoming],
        applied: Result<Vec<Decision>, Paused>,
    ) -> Result<Vec<Decision>, Paused> {
        let unmark = async {
            let mut connection = self.guard.connection().await?;
            match &applied {
                Ok(_) => crash_marks::clear(&mut connection, &ids(events)).await,
                Err(_) => crash_marks::release(&mut connection, self.taker.id).await,
            }
        };
        if let Err(error) = unmark.await {
            tracing::debug!(error = %telemetry::chain(&error), "marks stay");
        }
        applied
    }

    /// It has ended processes, alone: nobody else is to be hurt by it.
    async fn bury(&self, incoming: &Incoming, found: &Found) -> Result<Decision, DbError> {
        let event = &incoming.event;
        let detail = format!(
            "ended the process {} times while it was applied, the last time alone, by {}: a bug of ours, or too little memory. \
             Report it; replay it after an update",
            found.times, found.place
        );
        let failure = Failure::new("crash_loop", &detail, "crash_loop");
        dead_letter::event(&self.guard.pool, &self.guard.clock, event, &failure).await?;
        crash_marks::keep_one(&mut *self.guard.connection().await?, event.id).await?;
        Ok(Decision {
            event: event.clone(),
            outcome: Outcome::Dead(failure.code),
            row_write: RowWrite::Known,
            before: None,
        })
    }
}

fn ids(events: &[Incoming]) -> Vec<EventId> {
    events.iter().map(|incoming| incoming.event.id).collect()
}

fn paused(error: DbError) -> Paused {
    Paused::Database(error.into())
}

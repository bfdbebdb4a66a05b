//! What a crash costs: the one event that causes it. Whatever ends the process in the middle of an event (a stack overflow, an
//! abort, no more memory) is found by the marks that it leaves, wherever the event came from.
//!
//! 1. Before a batch of the spool or of queued events a lane writes down what it takes (`common::db::under_way`). What a process
//!    left behind there is suspect, and so is what the broker delivers once more: that goes to the spool.
//! 2. Suspect events are marked (`common::db::crash_marks`) before they are applied, up to [`GROUP_EVENTS`] together.
//! 3. One whose mark is found is applied alone, and nothing else in this process meanwhile.
//! 4. One whose mark is found [`MAX_FINDS`] times is dead (`crash_loop`).
//!
//! What must never live here: how events are applied (that is `apply_batch`), and where they come from.

mod careful;
mod parts;

use std::sync::Arc;

use common::{
    db::{self, DbError, Pool, PooledConnection, under_way},
    domain::{Event, EventId},
    runtime::Clock,
    telemetry,
};
use tokio::sync::{OnceCell, RwLock};

/// Suspect events that are applied together under one mark each: if they crash again so many are alone after it.
const GROUP_EVENTS: usize = 250;
/// Found so often in the middle of it, an event is dead: once among others, twice alone.
const MAX_FINDS: i32 = 3;

/// Whether a batch may hold what ended a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Care {
    Plain,
    Suspect,
}

impl Care {
    fn of(is_suspect: bool) -> Self {
        if is_suspect { Self::Suspect } else { Self::Plain }
    }
}

/// One life of a lane, or of what applies queued events: a task that panicked and was started again is another.
#[derive(Clone, Debug)]
pub(crate) struct Taker {
    id: i64,
    /// For people.
    place: String,
}

impl Taker {
    pub(crate) fn new(what: &str) -> Self {
        Self {
            id: rand::random(),
            place: format!("{what} of process {}", std::process::id()),
        }
    }
}

/// One per process.
#[derive(Clone, Debug)]
pub(crate) struct CrashGuard {
    pool: Pool,
    clock: Clock,
    /// Held by whoever applies: by one alone while a suspect event is applied alone, so that a crash has one cause.
    gate: Arc<RwLock<()>>,
    /// What waited when nobody knew any more what of it had been under way.
    unknown: Arc<OnceCell<Option<under_way::Unknown>>>,
}

impl CrashGuard {
    pub(crate) fn new(pool: &Pool, clock: &Clock) -> Self {
        Self {
            pool: pool.clone(),
            clock: clock.clone(),
            gate: Arc::default(),
            unknown: Arc::default(),
        }
    }

    /// Writes down that `taker` applies these envelopes of the spool from now on. It holds their rows. `is_suspect`: one is said to be.
    ///
    /// # Errors
    /// When the database does not answer: then they may not be applied.
    pub(crate) async fn envelopes(
        &self,
        taker: &Taker,
        spool_ids: &[i64],
        is_suspect: bool,
    ) -> Result<Care, DbError> {
        if spool_ids.is_empty() {
            return Ok(Care::Plain);
        }
        let unknown = self.unknown().await?;
        let found = under_way::envelopes(&mut *self.connection().await?, taker.id, spool_ids).await?;
        let is_unknown = |unknown: under_way::Unknown| spool_ids.iter().any(|id| *id <= unknown.spool_id);
        Ok(Care::of(is_suspect || found || unknown.is_some_and(is_unknown)))
    }

    /// As [`Self::envelopes`], for queued events. Nobody else applies any.
    ///
    /// # Errors
    /// As [`Self::envelopes`].
    pub(crate) async fn events(&self, taker: &Taker, events: &[Event]) -> Result<Care, DbError> {
        let unknown = self.unknown().await?;
        let ids: Vec<EventId> = events.iter().map(|event| event.id).collect();
        let found = under_way::events(&mut *self.connection().await?, taker.id, &ids).await?;
        let is_unknown =
            |unknown: under_way::Unknown| events.iter().any(|event| event.received_at <= unknown.at);
        Ok(Care::of(found || unknown.is_some_and(is_unknown)))
    }

    /// Says that `taker` ends well. If nobody hears it, what it had under way is applied with care.
    pub(crate) async fn leave(&self, taker: &Taker) {
        let left = async { under_way::leave(&mut *self.connection().await?, taker.id).await };
        if let Err(error) = left.await {
            tracing::debug!(error = %telemetry::chain(&error), "leaving");
        }
    }

    async fn unknown(&self) -> Result<Option<under_way::Unknown>, DbError> {
        let open = async || under_way::open(&mut *self.connection().await?).await;
        self.unknown.get_or_try_init(open).await.copied()
    }

    /// In no transaction: what is written holds at once.
    async fn connection(&self) -> Result<PooledConnection, DbError> {
        db::acquire(&self.pool).await
    }
}

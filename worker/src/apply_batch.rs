//! Applies a batch whatever happens: runs it again, cuts it in halves, or records the one event that cannot be applied.
//!
//! Every attempt is a transaction of its own, and every event is known by its id, so running a batch again is always safe.

use std::{
    borrow::Cow,
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use common::{
    apply::{Applied, ApplyError, Catalogs, Manner, apply_batch, batches, event_rows},
    db::{self, BatchSession, FailureClass, Pool, dead_letters::Failure},
    domain::{Decision, Event, Incoming, Outcome, RowWrite},
    runtime::Clock,
    telemetry,
};

use tracing::Instrument as _;

use crate::dead_letter;

/// Contention is tried again at once this often, before the batch is cut in halves.
const CONTENTION_RETRIES: u32 = 5;
/// How long a part of a batch that failed waits for locks. The whole has waited long already; one key that somebody holds
/// must not cost each half the same again.
const PART_LOCK_WAIT: Duration = Duration::from_secs(1);
/// Connections that may have prepared their statements before the schema changed: each forgets them at its first failure.
const STALE_CONNECTIONS: u32 = 100;
/// Of the events lately decided, this share failing with one fingerprint is the deploy's fault, not the events'.
const DEPLOY_SHARE_PERCENT: usize = 20;
/// Events over which that share is taken.
const DEPLOY_WINDOW: usize = 1000;

/// Nothing can be applied for now, through no fault of any event: wait, and try the same again.
#[derive(Debug, thiserror::Error)]
pub enum Paused {
    #[error("the database cannot be used")]
    Database(#[source] ApplyError),
    #[error("{failed} of {total} events fail alike ({fingerprint}): the schema and this binary do not fit")]
    Deploy {
        failed: usize,
        total: usize,
        fingerprint: String,
    },
}

impl Paused {
    /// A word for metrics.
    pub(crate) fn cause(&self) -> &'static str {
        match self {
            Self::Database(_) => "database",
            Self::Deploy { .. } => "deploy",
        }
    }
}

/// Applies batches. One per worker: it remembers how many events failed lately.
#[derive(Debug)]
pub struct BatchApplier {
    pool: Pool,
    clock: Clock,
    /// Whether each of the last events failed as by a deploy bug.
    window: Mutex<VecDeque<bool>>,
    /// What served for the last batch, and what was loaded of catalogs for it.
    session: Mutex<Option<(BatchSession, Catalogs)>>,
}

/// How a batch, or a part of one, is applied.
#[derive(Clone, Copy)]
struct How {
    /// Shorter than usual.
    lock_wait: Option<Duration>,
    manner: Manner,
}

/// An event that fails when it is alone.
struct Failed {
    event: Event,
    failure: Failure,
    class: FailureClass,
}

impl BatchApplier {
    pub fn new(pool: Pool, clock: Clock) -> Self {
        Self {
            pool,
            clock,
            window: Mutex::default(),
            session: Mutex::default(),
        }
    }

    /// Applies all events; afterwards each has a row that says what became of it.
    ///
    /// # Errors
    /// [`Paused`]: some events may have been applied, none is lost; call again with the same.
    pub async fn run(&self, events: &[Incoming]) -> Result<Vec<Decision>, Paused> {
        // Before it waits for anybody, it applies what nobody is in the way of.
        let how = How {
            lock_wait: None,
            manner: Manner::Leaving,
        };
        let whole = batches(events).into_iter();
        let whole = whole.map(|batch| (Cow::Borrowed(batch), how));
        self.run_in(whole.collect(), events.len()).await
    }

    /// Batches and halves wait in order, so that an order's later events come after its earlier ones.
    async fn run_in(
        &self,
        mut waiting: VecDeque<(Cow<'_, [Incoming]>, How)>,
        total: usize,
    ) -> Result<Vec<Decision>, Paused> {
        let mut decided = Vec::with_capacity(total);
        let mut failed = Vec::new();
        while let Some((batch, how)) = waiting.pop_front() {
            match self.attempt(&batch, how).await {
                Ok(Applied { decisions, left }) => {
                    decided.extend(decisions);
                    if !left.is_empty() {
                        let manner = Manner::Waiting;
                        waiting.push_front((Cow::Owned(left), How { manner, ..how }));
                    }
                }
                Err(error) if error.class() == FailureClass::Transient => {
                    return Err(Paused::Database(error));
                }
                Err(error) if batch.len() <= 1 && error.class() == FailureClass::Contention => {
                    for incoming in batch.iter() {
                        decided.push(self.postpone(incoming, &error).await?);
                    }
                }
                // It may be what is parked for it that fails.
                Err(_) if batch.len() <= 1 && how.manner != Manner::Alone => {
                    let manner = Manner::Alone;
                    waiting.push_front((batch, How { manner, ..how }));
                }
                Err(error) if batch.len() <= 1 => {
                    failed.extend(batch.iter().map(|one| failure(one.event.clone(), &error)));
                }
                Err(error) => {
                    tracing::warn!(events = batch.len(), error = %telemetry::chain(&error), "a batch failed and is cut in halves");
                    let part = How {
                        lock_wait: Some(PART_LOCK_WAIT),
                        manner: Manner::Waiting,
                    };
                    let (earlier, later) = halves(batch);
                    waiting.push_front((later, part));
                    waiting.push_front((earlier, part));
                }
            }
        }
        self.judge(total, &failed)?;
        for failed in failed {
            decided.push(self.dead_letter(failed).await?);
        }
        Ok(decided)
    }

    /// As [`Self::run`], for one event, without what is parked for what it brings.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub(crate) async fn run_alone(&self, event: &Incoming) -> Result<Vec<Decision>, Paused> {
        let how = How {
            lock_wait: None,
            manner: Manner::Alone,
        };
        self.run_in(VecDeque::from([(std::slice::from_ref(event).into(), how)]), 1)
            .await
    }

    /// One transaction, again at once when others were in the way, unless it has waited for them.
    async fn attempt(&self, batch: &[Incoming], how: How) -> Result<Applied, ApplyError> {
        let (mut retries, mut stale) = (0, 0);
        loop {
            let span = tracing::info_span!("apply", attempt = 1 + retries + stale, events = batch.len());
            match self.transaction(batch.to_vec(), how).instrument(span).await {
                Err(error) if error.is_stale_plan() && stale < STALE_CONNECTIONS => stale += 1,
                Err(error) if is_rerun(&error) && retries < CONTENTION_RETRIES => {
                    retries += 1;
                    let pause = rand::random_range(1..=10 * u64::from(retries));
                    tokio::time::sleep(Duration::from_millis(pause)).await;
                }
                result => return result,
            }
        }
    }

    async fn transaction(&self, batch: Vec<Incoming>, how: How) -> Result<Applied, ApplyError> {
        let began = std::time::Instant::now();
        let mut applied_at = began;
        let manner = match how.manner {
            // Alone it has nobody to leave behind.
            Manner::Leaving if batch.len() <= 1 => Manner::Waiting,
            manner => manner,
        };
        let mut kept = self.session().take();
        if let Some((session, _)) = &mut kept
            && !session.is_alive().await
        {
            kept = None;
        }
        let (mut session, mut catalogs) = match kept {
            Some(kept) => kept,
            None => (BatchSession::open(&self.pool).await?, Catalogs::default()),
        };
        let applied = session.in_transaction(batch.len(), async |transaction| {
            if let Some(limit) = how.lock_wait {
                db::limit_lock_waits(transaction, limit).await?;
            }
            let applied = apply_batch(transaction, batch, self.clock.now(), manner, &mut catalogs).await;
            applied_at = std::time::Instant::now();
            applied
        });
        let applied = applied.await?;
        // What has failed is given back, and begun anew.
        *self.session() = Some((session, catalogs));
        telemetry::metrics::committed(applied.decisions.len(), applied_at - began, applied_at.elapsed());
        Ok(applied)
    }

    fn session(&self) -> MutexGuard<'_, Option<(BatchSession, Catalogs)>> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A mistake of ours must not dead-letter everybody's events: it pauses the worker instead.
    fn judge(&self, total: usize, failed: &[Failed]) -> Result<(), Paused> {
        let deploy: Vec<&Failed> = failed
            .iter()
            .filter(|failed| failed.class == FailureClass::Deploy)
            .collect();
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        let failed_before = window.iter().filter(|failed| **failed).count();
        let (failed, seen) = (failed_before + deploy.len(), window.len() + total);
        if let Some(first) = deploy
            .first()
            .filter(|_| failed * 100 >= seen * DEPLOY_SHARE_PERCENT)
        {
            let fingerprint = first.failure.fingerprint.clone();
            return Err(Paused::Deploy {
                failed,
                total: seen,
                fingerprint,
            });
        }
        window.extend(std::iter::repeat_n(true, deploy.len()));
        window.extend(std::iter::repeat_n(false, total.saturating_sub(deploy.len())));
        let excess = window.len().saturating_sub(DEPLOY_WINDOW);
        window.drain(..excess);
        Ok(())
    }

    /// Hands an event that others keep from being applied to the queued events, where it is tried again later.
    async fn postpone(&self, incoming: &Incoming, error: &ApplyError) -> Result<Decision, Paused> {
        let now = self.clock.now();
        let postponed = db::in_transaction(&self.pool, async |transaction| {
            event_rows::postpone(transaction, &incoming.event, incoming.queued, now).await
        });
        if !postponed.await.map_err(|error| Paused::Database(error.into()))? {
            return self.dead_letter(failure(incoming.event.clone(), error)).await;
        }
        tracing::warn!(event.id = %incoming.event.id, request.id = incoming.event.request_id.as_deref(), error = %telemetry::chain(error), "others keep an event from being applied; it is tried again later");
        Ok(Decision {
            event: incoming.event.clone(),
            outcome: Outcome::Queued,
            row_write: RowWrite::Known,
            before: None,
        })
    }

    async fn dead_letter(&self, failed: Failed) -> Result<Decision, Paused> {
        let Failed { event, failure, .. } = failed;
        dead_letter::event(&self.pool, &self.clock, &event, &failure)
            .await
            .map_err(|error| Paused::Database(error.into()))?;
        Ok(Decision {
            event,
            outcome: Outcome::Dead(failure.code),
            row_write: RowWrite::Known,
            before: None,
        })
    }
}

/// The events of a batch in two, in their order.
fn halves(batch: Cow<'_, [Incoming]>) -> (Cow<'_, [Incoming]>, Cow<'_, [Incoming]>) {
    let middle = batch.len() / 2;
    match batch {
        Cow::Borrowed(batch) => {
            let (earlier, later) = batch.split_at(middle);
            (earlier.into(), later.into())
        }
        Cow::Owned(mut earlier) => {
            let later = earlier.split_off(middle);
            (earlier.into(), later.into())
        }
    }
}

fn is_rerun(error: &ApplyError) -> bool {
    matches!(error.class(), FailureClass::Contention | FailureClass::Race) && !error.is_timeout()
}

fn failure(event: Event, error: &ApplyError) -> Failed {
    let failure = Failure::new(&error.code(), &telemetry::chain(error), &error.fingerprint());
    Failed {
        event,
        failure,
        class: error.class(),
    }
}

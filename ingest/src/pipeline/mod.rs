//! From an accepted event to its answer: hand it to a publisher, wait for its outcome, or for the word that it is safe.
//!
//! What must never live here: SQL on the request path. The publishers' overflow and the one reader of outcomes have
//! connections of their own.

#[cfg(test)]
mod fake;
mod parts;
mod publisher;
mod reader;
mod replies;
mod stall_detector;
#[cfg(test)]
mod tests;

#[cfg(test)]
pub(crate) use fake::Submission;
pub use parts::{OVERFLOW_CONNECTIONS, PipelineParts};

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use common::{
    domain::{Dialect, Event, EventId, Outcome},
    http::request::Wait,
    queue::{PendingReplies, PendingReply, Place},
    runtime::{Clock, TaskGroup},
    telemetry::metrics,
};
use futures_util::future::join_all;
use tokio::sync::{Semaphore, mpsc, oneshot, watch};

use publisher::{Job, Overflow, Publisher};

/// Publisher tasks. Two keep one channel busy while the other gathers.
const PUBLISHERS: usize = 2;
/// Events that wait for each publisher. Beyond that the caller is told to come back.
pub const QUEUED_PER_PUBLISHER: usize = 4096;
/// Bytes of events that wait for publishers, of all together: a few large ones fill the memory as many small ones do.
pub const MAX_QUEUED_BYTES: usize = 32 * 1024 * 1024;
/// What a refused caller is asked to wait.
pub(crate) const RETRY_AFTER: Duration = Duration::from_secs(2);
/// How long publishers may take to make durable what they have, at the end.
pub const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);
/// How long an event may take to become durable before the caller is told that nobody knows.
const DURABLE_DEADLINE: Duration = Duration::from_secs(5);
/// Ids looked out for while outcomes do not flow.
const PROBES: usize = 16;

/// What can be said to the caller.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    Outcome(Outcome),
    /// Durable; the outcome comes later.
    Accepted,
    /// Not known to be durable: the caller must come back. It may have been recorded all the same.
    Unavailable {
        retry_after: Duration,
    },
}

/// An event that a publisher has, and what its caller waits for.
struct Taken {
    is_durable: oneshot::Receiver<bool>,
    waiter: Option<(PendingReply, Duration)>,
    /// Told that its outcome comes later, the caller would not learn that its order was unknown: it is parked only after
    /// the wait.
    is_patient: bool,
}

/// Takes events and answers what became of them. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Pipeline {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    clock: Clock,
    publishers: Vec<mpsc::Sender<Job>>,
    next: AtomicUsize,
    pending: PendingReplies,
    stalled: watch::Receiver<bool>,
    /// For bytes that wait.
    room: Arc<Semaphore>,
    #[cfg(test)]
    script: Option<mpsc::Sender<Submission>>,
}

impl Pipeline {
    /// Starts the tasks of a pipeline in `tasks`. At the end of the group the publishers take nothing more, and make durable
    /// what they have: it must come after the last request.
    pub fn start(parts: &PipelineParts, tasks: &TaskGroup) -> Self {
        let pending = PendingReplies::default();
        parts.instances.add(&parts.instance, pending.clone());
        let (reply_to, reply_queue) = watch::channel(None);
        if let Some(broker) = &parts.broker {
            let (manager, pending) = (broker.consume.clone(), pending.clone());
            tasks.keep("replies", move || {
                replies::run(manager.clone(), pending.clone(), reply_to.clone())
            });
        }
        {
            let (pool, pending) = (parts.pool.clone(), pending.clone());
            tasks.keep("reader of outcomes", move || {
                reader::run(pool.clone(), pending.clone())
            });
        }
        let stalled = stall_detector::start(pending.clone(), tasks);
        let overflow = Overflow::new(parts.pool.clone());
        let publishers = (0..PUBLISHERS).map(|number| {
            let (sender, jobs) = mpsc::channel(QUEUED_PER_PUBLISHER);
            let publisher = Publisher::new(parts, jobs, reply_queue.clone(), overflow.clone());
            tasks.keep_draining(format!("publisher {number}"), move |stop| {
                publisher.clone().run(stop)
            });
            sender
        });
        let publishers = publishers.collect();
        let shared = Shared {
            clock: parts.clock.clone(),
            publishers,
            next: AtomicUsize::new(0),
            pending,
            stalled,
            room: Arc::new(Semaphore::new(MAX_QUEUED_BYTES)),
            #[cfg(test)]
            script: None,
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Takes an event and says what became of it. Dropping the future, as a client's hanging up does, does not undo it.
    pub async fn submit(&self, event: Event, wait: Wait) -> Answer {
        #[cfg(test)]
        if let Some(script) = &self.shared.script {
            return fake::submit(script, event, wait).await;
        }
        let start = self.shared.next.fetch_add(1, Ordering::Relaxed);
        let dialect = event.dialect;
        let taken = self.take(event, wait, start);
        self.settle(dialect, taken).await
    }

    /// As [`Pipeline::submit`], for an event that counts in `places` until it is decided.
    pub(crate) async fn submit_counted(&self, places: Vec<Place>, event: Event, wait: Wait) -> Answer {
        let id = event.id;
        let answer = self.submit(event, wait).await;
        for place in places {
            self.keep_counting(id, &answer, place);
        }
        answer
    }

    /// Keeps the place of an event that is not decided yet.
    pub(crate) fn keep_counting(&self, id: EventId, answer: &Answer, place: Place) {
        match answer {
            Answer::Accepted | Answer::Outcome(Outcome::Queued) => self.shared.pending.hold(id, place),
            Answer::Outcome(_) | Answer::Unavailable { .. } => {}
        }
    }

    /// Takes events that belong together and says what became of each. They reach one publisher in their order.
    pub async fn submit_all(&self, events: Vec<Event>, wait: Wait) -> Vec<Answer> {
        #[cfg(test)]
        if let Some(script) = &self.shared.script {
            return fake::submit_all(script, events, wait).await;
        }
        let start = self.shared.next.fetch_add(1, Ordering::Relaxed);
        let taken: Vec<_> = events
            .into_iter()
            .map(|event| (event.dialect, self.take(event, wait, start)))
            .collect();
        let settled = taken
            .into_iter()
            .map(|(dialect, taken)| self.settle(dialect, taken));
        join_all(settled).await
    }

    /// Ends when the event is decided, or after `patience`.
    pub fn decided(&self, id: EventId, patience: Duration) -> impl Future<Output = ()> + Send + use<> {
        let mut waiter = self.shared.pending.wait(id);
        async move {
            // Either way the wait is over.
            tokio::time::timeout(patience, waiter.outcome()).await.ok();
        }
    }

    async fn settle(&self, dialect: Dialect, taken: Option<Taken>) -> Answer {
        let answer = match taken {
            None => unavailable(),
            Some(Taken {
                is_durable,
                waiter: Some((waiter, wait)),
                is_patient,
            }) => self.outcome(waiter, is_durable, wait, is_patient).await,
            Some(Taken {
                is_durable,
                waiter: None,
                ..
            }) => receipt(is_durable, DURABLE_DEADLINE).await,
        };
        if !matches!(answer, Answer::Unavailable { .. }) {
            metrics::accepted(dialect, 1);
        }
        answer
    }

    /// Hands the event to a publisher, the one with the number `start` if it has room.
    fn take(&self, mut event: Event, wait: Wait, start: usize) -> Option<Taken> {
        let shared = &self.shared;
        let wait = match wait {
            Wait::Outcome(wait) if !*shared.stalled.borrow() => Some(wait),
            Wait::Outcome(_) => {
                shared.pending.probe(event.id, PROBES);
                None
            }
            Wait::Receipt => None,
        };
        let wait_until = wait.and_then(|wait| chrono::TimeDelta::from_std(wait).ok());
        event.wait_until = wait_until.map(|wait| shared.clock.now() + wait);
        let waiter = wait.map(|wait| (shared.pending.wait(event.id), wait));
        let is_patient = event.needs_order();
        tracing::debug!(event.id = %event.id, org = event.org.map(|org| org.0), "an event is handed to a publisher");
        let encoded = serde_json::to_vec(&event).ok()?;
        let bytes = u32::try_from(encoded.len()).ok()?;
        let room = Arc::clone(&shared.room).try_acquire_many_owned(bytes).ok()?;
        let (durable, is_durable) = oneshot::channel();
        let job = Job {
            id: event.id,
            encoded,
            durable,
            _room: room,
        };
        self.hand_over(job, start).then_some(Taken {
            is_durable,
            waiter,
            is_patient,
        })
    }

    /// The first publisher from the number `start` that has room.
    fn hand_over(&self, job: Job, start: usize) -> bool {
        let shared = &self.shared;
        let mut job = Some(job);
        for offset in 0..shared.publishers.len() {
            let index = start.wrapping_add(offset) % shared.publishers.len();
            let (Some(publisher), Some(waiting)) = (shared.publishers.get(index), job.take()) else {
                return false;
            };
            match publisher.try_send(waiting) {
                Ok(()) => return true,
                Err(mpsc::error::TrySendError::Full(back) | mpsc::error::TrySendError::Closed(back)) => {
                    job = Some(back);
                }
            }
        }
        false
    }

    async fn outcome(
        &self,
        mut waiter: PendingReply,
        mut is_durable: oneshot::Receiver<bool>,
        wait: Duration,
        is_patient: bool,
    ) -> Answer {
        let mut stalled = self.shared.stalled.clone();
        let mut known_durable = false;
        let deadline = tokio::time::sleep(wait);
        tokio::pin!(deadline);
        loop {
            tokio::select! {
                biased;
                // A committed outcome suffices, even if it overtakes the broker's confirm.
                outcome = waiter.outcome() => return outcome.map_or_else(unavailable, Answer::Outcome),
                durable = &mut is_durable, if !known_durable => match durable {
                    Ok(true) => known_durable = true,
                    Ok(false) | Err(_) => return unavailable(),
                },
                () = &mut deadline => break,
                // Nobody's outcome comes: do not let the caller wait for what will not come either.
                _ = stalled.wait_for(|stalled| *stalled), if !is_patient => break,
            }
        }
        if known_durable {
            Answer::Accepted
        } else {
            receipt(is_durable, RETRY_AFTER).await
        }
    }
}

async fn receipt(is_durable: oneshot::Receiver<bool>, deadline: Duration) -> Answer {
    match tokio::time::timeout(deadline, is_durable).await {
        Ok(Ok(true)) => Answer::Accepted,
        _ => unavailable(),
    }
}

/// Nobody knows whether the event is safe.
pub(crate) fn unavailable() -> Answer {
    Answer::Unavailable {
        retry_after: RETRY_AFTER,
    }
}

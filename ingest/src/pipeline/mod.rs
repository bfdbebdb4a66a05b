//! From an accepted event to its answer: hand it to a publisher, wait for its outcome, or for the word that it is safe.
//!
//! What must never live here: SQL on the request path. The publishers' overflow and the one reader of outcomes have
//! connections of their own.

#[cfg(test)]
mod fake;
mod gathered;
mod job;
mod load_gauge;
mod parts;
mod publisher;
mod reader;
mod replies;
mod share;
mod stall_detector;
#[cfg(test)]
mod tests;
mod under_way;

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
    domain::{Dialect, Event, EventId, OrgId, Outcome},
    http::request::Wait,
    message::TrafficClass,
    queue::{PendingReplies, PendingReply, QuotaPlace},
    runtime::{Clock, TaskGroup},
    telemetry::metrics,
};
use futures_util::future::join_all;
use tokio::sync::{Semaphore, mpsc, oneshot, watch};

use job::{Job, Room};
use parts::{BULK_OVERFLOW, EXPRESS_OVERFLOW};
use publisher::{Overflow, Publisher};
use share::Group;
use under_way::{Place, UnderWay};

/// Publisher tasks of express. Two keep one channel busy while the other gathers.
const PUBLISHERS: usize = 2;
/// Events that wait for the one of bulk, which rests now and then.
const QUEUED_BULK: usize = 8 * QUEUED_PER_PUBLISHER;
/// Events that wait for each publisher. Beyond that the caller is told to come back.
pub const QUEUED_PER_PUBLISHER: usize = 4096;
/// Bytes of events that wait for publishers, of all together: a few large ones fill the memory as many small ones do.
pub const MAX_QUEUED_BYTES: usize = 32 * 1024 * 1024;
/// Of these bulk may have so many: the rest is left to express.
const MAX_BULK_BYTES: usize = MAX_QUEUED_BYTES / 4 * 3;
/// Events of a request handed over, or answered, without a pause for others.
const AT_A_TIME: usize = 32;
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
    /// It counts among its organisation's as long as this is held.
    place: Place,
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
    bulk: mpsc::Sender<Job>,
    next: AtomicUsize,
    under_way: UnderWay,
    pending: PendingReplies,
    stalled: watch::Receiver<bool>,
    /// For bytes that wait.
    room: Arc<Semaphore>,
    bulk_room: Arc<Semaphore>,
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
        let under_way = UnderWay::default();
        load_gauge::start(&under_way, tasks);
        let overflow = Overflow::new(parts.pool.clone(), EXPRESS_OVERFLOW);
        let start = |name: String, class, limit, overflow: Overflow| {
            let (sender, jobs) = mpsc::channel(limit);
            let (reply_to, under_way) = (reply_queue.clone(), under_way.clone());
            let publisher = Publisher::new(class, parts, jobs, reply_to, overflow, under_way);
            tasks.keep_draining(name, move |stop| publisher.clone().run(stop));
            sender
        };
        let publishers = (0..PUBLISHERS).map(|number| {
            let name = format!("publisher {number}");
            start(
                name,
                TrafficClass::Express,
                QUEUED_PER_PUBLISHER,
                overflow.clone(),
            )
        });
        let publishers = publishers.collect();
        let overflow = Overflow::new(parts.pool.clone(), BULK_OVERFLOW);
        let bulk = start(
            "publisher of bulk".to_owned(),
            TrafficClass::Bulk,
            QUEUED_BULK,
            overflow,
        );
        let shared = Shared {
            clock: parts.clock.clone(),
            publishers,
            bulk,
            next: AtomicUsize::new(0),
            under_way,
            pending,
            stalled,
            room: Arc::new(Semaphore::new(MAX_QUEUED_BYTES)),
            bulk_room: Arc::new(Semaphore::new(MAX_BULK_BYTES)),
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
        let place = self.places(group(&event), 1, wait).pop();
        let taken = place.and_then(|place| self.take(event, wait, place, start));
        self.settle(dialect, taken).await
    }

    /// As [`Pipeline::submit`], for an event that counts in `places` until it is decided.
    pub(crate) async fn submit_counted(&self, places: Vec<QuotaPlace>, event: Event, wait: Wait) -> Answer {
        let id = event.id;
        let answer = self.submit(event, wait).await;
        for place in places {
            self.keep_counting(id, &answer, place);
        }
        answer
    }

    /// Keeps the place of an event that is not decided yet.
    pub(crate) fn keep_counting(&self, id: EventId, answer: &Answer, place: QuotaPlace) {
        match answer {
            Answer::Accepted | Answer::Outcome(Outcome::Queued) => self.shared.pending.hold(id, place),
            Answer::Outcome(_) | Answer::Unavailable { .. } => {}
        }
    }

    fn places(&self, group: Group, events: usize, wait: Wait) -> Vec<Place> {
        let places = self.shared.under_way.places(group, events, wait);
        let to_bulk = places.iter().filter(|place| place.class == TrafficClass::Bulk);
        let to_bulk = u64::try_from(to_bulk.count()).unwrap_or(u64::MAX);
        if to_bulk > 0 {
            metrics::to_bulk(to_bulk);
        }
        places
    }

    /// Takes events of one organisation that belong together and says what became of each. They reach one publisher in their order.
    pub async fn submit_all(&self, events: Vec<Event>, wait: Wait) -> Vec<Answer> {
        #[cfg(test)]
        if let Some(script) = &self.shared.script {
            return fake::submit_all(script, events, wait).await;
        }
        let start = self.shared.next.fetch_add(1, Ordering::Relaxed);
        let Some(group) = events.first().map(group) else {
            return Vec::new();
        };
        let places = self.places(group, events.len(), wait);
        let mut taken = Vec::with_capacity(events.len());
        for (event, place) in events.into_iter().zip(places) {
            if taken.len() % AT_A_TIME == AT_A_TIME - 1 {
                tokio::task::yield_now().await;
            }
            taken.push((event.dialect, self.take(event, wait, place, start)));
        }
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
        let Some(taken) = taken else {
            return unavailable();
        };
        let Taken {
            is_durable,
            waiter,
            is_patient,
            place,
        } = taken;
        let answer = match waiter {
            Some((waiter, wait)) => self.outcome(waiter, is_durable, wait, is_patient).await,
            None => receipt(is_durable, DURABLE_DEADLINE).await,
        };
        place.answered();
        if !matches!(answer, Answer::Unavailable { .. }) {
            metrics::accepted(dialect);
        }
        answer
    }

    /// Hands the event to a publisher, the one with the number `start` if it has room.
    fn take(&self, mut event: Event, wait: Wait, place: Place, start: usize) -> Option<Taken> {
        let (shared, class) = (&self.shared, place.class);
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
        let waiter = wait.map(|wait| (shared.pending.wait_in(event.id, class), wait));
        let is_patient = event.needs_order();
        tracing::debug!(event.id = %event.id, org = event.org.map(|org| org.0), ?class, "an event is handed to a publisher");
        let encoded = serde_json::to_vec(&event).ok()?;
        let room = self.room(encoded.len(), class)?;
        let (durable, is_durable) = oneshot::channel();
        let job = Job {
            id: event.id,
            bulk_of: (class == TrafficClass::Bulk).then(|| OrgId::stored(event.org)),
            encoded,
            durable,
            _room: room,
        };
        self.hand_over(job, start).then_some(Taken {
            is_durable,
            waiter,
            is_patient,
            place,
        })
    }

    fn room(&self, bytes: usize, class: TrafficClass) -> Option<Room> {
        let bytes = u32::try_from(bytes).ok()?;
        let of = |room: &Arc<Semaphore>| Arc::clone(room).try_acquire_many_owned(bytes).ok();
        let bulk = match class {
            TrafficClass::Express => None,
            TrafficClass::Bulk => Some(of(&self.shared.bulk_room)?),
        };
        Some(Room {
            _all: of(&self.shared.room)?,
            _bulk: bulk,
        })
    }

    /// The publisher of bulk, or the first from the number `start` that has room.
    fn hand_over(&self, job: Job, start: usize) -> bool {
        let shared = &self.shared;
        if job.bulk_of.is_some() {
            return shared.bulk.try_send(job).is_ok();
        }
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

/// Whose share it takes.
fn group(event: &Event) -> Group {
    Group {
        org: event.org,
        authenticated: event.authenticated,
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

//! Who waits for which outcome, within one process.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::oneshot;

use super::QuotaPlace;
use crate::{
    domain::{EventId, Outcome},
    message::{Reply, TrafficClass},
};

/// The requests of one ingest instance that wait for outcomes. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct PendingReplies {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    waiting: HashMap<EventId, Waiting>,
    /// Of an express event.
    last_outcome: Option<Instant>,
    /// When bulk was last looked up without a call.
    last_bulk_look: Option<Instant>,
    last_reply: Option<Instant>,
}

#[derive(Debug)]
struct Waiting {
    class: TrafficClass,
    since: Instant,
    /// When it was last seen to have a row and to be looked at again: its outcome may take as long as its caller waits.
    queued: Option<Instant>,
    /// `None`: nobody waits, the outcome only shows that outcomes flow again, or gives a place back.
    answer: Option<oneshot::Sender<Outcome>>,
    /// Held until the event is decided.
    place: Option<QuotaPlace>,
}

impl Waiting {
    fn new(class: TrafficClass, answer: Option<oneshot::Sender<Outcome>>) -> Self {
        Self {
            class,
            since: Instant::now(),
            queued: None,
            answer,
            place: None,
        }
    }

    /// Who was told that the outcome comes later does not wait: it is looked up seldom, and is no stall.
    fn holding(place: QuotaPlace) -> Self {
        Self {
            queued: Some(Instant::now()),
            place: Some(place),
            ..Self::new(TrafficClass::Bulk, None)
        }
    }

    /// Whether it is worth looking up for one who looks up what is `age` old.
    fn is_due(&self, age: Duration) -> bool {
        match self.queued {
            Some(seen) if self.place.is_some() => seen.elapsed() >= HELD_LOOK,
            Some(seen) if !age.is_zero() => seen.elapsed() >= QUEUED_LOOK.max(age),
            _ => self.since.elapsed() >= age,
        }
    }
}

/// How often an event that is looked at again is looked up without a call.
const QUEUED_LOOK: Duration = Duration::from_millis(250);
/// How often an event that holds a place is looked up.
const HELD_LOOK: Duration = Duration::from_millis(500);
/// An event of which nothing was heard for so long is under way no more, as far as anybody here knows.
pub const FORGET_UNDER_WAY: Duration = Duration::from_hours(1);
/// How often bulk is looked up: a flood's callers are many, and each batch of a worker calls.
const BULK_LOOK: Duration = Duration::from_millis(100);

impl PendingReplies {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the outcome of `id`, an express event. Must be called before the event is published.
    pub fn wait(&self, id: EventId) -> PendingReply {
        self.wait_in(id, TrafficClass::Express)
    }

    /// The same for one that goes as `class`.
    pub fn wait_in(&self, id: EventId, class: TrafficClass) -> PendingReply {
        let (answer, outcome) = oneshot::channel();
        self.state().waiting.insert(id, Waiting::new(class, Some(answer)));
        PendingReply {
            id,
            outcome,
            pending: self.clone(),
        }
    }

    /// Keeps `place` until `id` is decided.
    pub fn hold(&self, id: EventId, place: QuotaPlace) {
        self.state().waiting.insert(id, Waiting::holding(place));
    }

    /// Looks out for the outcome of `id` though nobody waits for it, unless `limit` ids are looked out for already.
    pub fn probe(&self, id: EventId, limit: usize) {
        let mut state = self.state();
        if state
            .waiting
            .values()
            .filter(|waiting| waiting.answer.is_none() && waiting.place.is_none())
            .count()
            < limit
        {
            state
                .waiting
                .insert(id, Waiting::new(TrafficClass::Express, None));
        }
    }

    /// Hands a worker's replies to those who wait for them.
    pub fn deliver(&self, replies: impl IntoIterator<Item = Reply>) {
        self.state().last_reply = Some(Instant::now());
        self.deliver_found(replies);
    }

    /// Hands outcomes that were looked up to those who wait for them.
    pub fn deliver_found(&self, replies: impl IntoIterator<Item = Reply>) {
        let mut state = self.state();
        for reply in replies {
            if let Some(waiting) = state.waiting.remove(&reply.event_id) {
                if waiting.class == TrafficClass::Express {
                    state.last_outcome = Some(Instant::now());
                }
                if let Some(answer) = waiting.answer {
                    // A client that hung up does not hear its answer; the outcome stands all the same.
                    answer.send(reply.outcome).ok();
                }
            }
        }
    }

    /// Notes that workers have these events and look at them again: their callers wait on, and that is no stall.
    pub fn note_queued(&self, ids: impl IntoIterator<Item = EventId>) {
        let mut state = self.state();
        for id in ids {
            if let Some(waiting) = state.waiting.get_mut(&id) {
                let before = waiting.queued.replace(Instant::now());
                if before.is_none() && waiting.class == TrafficClass::Express {
                    state.last_outcome = Some(Instant::now());
                }
            }
        }
    }

    /// Whether a worker's reply has come within `age`: then the others will come that way, too.
    pub fn has_replies_within(&self, age: Duration) -> bool {
        self.state().last_reply.is_some_and(|last| last.elapsed() <= age)
    }

    /// Ids that have been awaited for at least `age`, at most `limit`; those that are queued less often than the others; behind
    /// express, a few times a second, bulk; and last those that nobody waits for.
    pub fn awaited(&self, age: Duration, limit: usize) -> Vec<EventId> {
        let mut state = self.state();
        let due = |class: TrafficClass| {
            move |(id, waiting): (&EventId, &Waiting)| {
                let is_awaited = waiting.class == class && waiting.place.is_none();
                (is_awaited && waiting.is_due(age)).then_some(*id)
            }
        };
        let express = state.waiting.iter().filter_map(due(TrafficClass::Express));
        let mut ids: Vec<EventId> = express.take(limit).collect();
        if state
            .last_bulk_look
            .is_none_or(|last| last.elapsed() >= BULK_LOOK)
        {
            let express = ids.len();
            let bulk = state.waiting.iter().filter_map(due(TrafficClass::Bulk));
            ids.extend(bulk.take(limit - express));
            if ids.len() > express {
                state.last_bulk_look = Some(Instant::now());
            }
        }
        let held = state
            .waiting
            .iter_mut()
            .filter(|(_, waiting)| waiting.place.is_some() && waiting.is_due(age));
        for (id, waiting) in held.take(limit.saturating_sub(ids.len())) {
            waiting.queued = Some(Instant::now());
            ids.push(*id);
        }
        ids
    }

    /// Whether express requests wait of which no worker has been heard, and no outcome of one has come for `patience`. Bulk may wait
    /// long.
    pub fn is_stalled(&self, patience: Duration) -> bool {
        let state = self.state();
        let is_long = |waiting: &Waiting| waiting.queued.is_none() && waiting.since.elapsed() >= patience;
        let mut express = state
            .waiting
            .values()
            .filter(|waiting| waiting.class == TrafficClass::Express);
        let waits_long = express.any(is_long);
        waits_long && state.last_outcome.is_none_or(|last| last.elapsed() >= patience)
    }

    /// Forgets what nobody waits for and has not come within `age`, and places after [`FORGET_UNDER_WAY`].
    pub fn expire_probes(&self, age: Duration) {
        self.state().waiting.retain(|_, waiting| {
            let age = if waiting.place.is_some() {
                FORGET_UNDER_WAY
            } else {
                age
            };
            waiting.answer.is_some() || waiting.since.elapsed() < age
        });
    }
}

/// One wait. Dropping it, as a client's hanging up does, ends it.
#[derive(Debug)]
pub struct PendingReply {
    id: EventId,
    outcome: oneshot::Receiver<Outcome>,
    pending: PendingReplies,
}

impl PendingReply {
    /// The outcome, whenever it comes. `None` never happens while the waiter is held.
    pub async fn outcome(&mut self) -> Option<Outcome> {
        (&mut self.outcome).await.ok()
    }
}

impl Drop for PendingReply {
    fn drop(&mut self) {
        self.pending.state().waiting.remove(&self.id);
    }
}

/// The ingest instances of this process, to whom a worker beside them hands outcomes in memory.
#[derive(Clone, Debug, Default)]
pub struct Instances(Arc<Mutex<HashMap<String, PendingReplies>>>);

impl Instances {
    pub fn add(&self, instance: &str, pending: PendingReplies) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(instance.to_owned(), pending);
    }

    pub fn get(&self, instance: &str) -> Option<PendingReplies> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(instance)
            .cloned()
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::queue::QuotaPlaces;

    fn id(n: u128) -> EventId {
        EventId(Uuid::from_u128(n))
    }

    #[tokio::test]
    async fn an_outcome_reaches_its_waiter_and_a_dropped_waiter_is_forgotten() {
        let pending = PendingReplies::default();
        let (mut one, two) = (pending.wait(id(1)), pending.wait(id(2)));
        drop(two);
        assert_eq!(pending.awaited(Duration::ZERO, 9), vec![id(1)]);
        pending.deliver([1, 2].map(|n| Reply {
            event_id: id(n),
            outcome: Outcome::Parked,
        }));
        assert_eq!(one.outcome().await, Some(Outcome::Parked));
        drop(one);
        assert!(pending.awaited(Duration::ZERO, 9).is_empty());
    }

    #[test]
    fn only_silence_while_somebody_waits_is_a_stall() {
        let pending = PendingReplies::default();
        assert!(!pending.is_stalled(Duration::ZERO), "nobody waits");
        let _waiter = pending.wait(id(1));
        assert!(pending.is_stalled(Duration::ZERO));
        assert!(!pending.is_stalled(Duration::from_mins(1)), "not long enough");
    }

    #[test]
    fn an_event_that_is_looked_at_again_is_no_stall_and_is_looked_up_less_often() {
        let pending = PendingReplies::default();
        let (_waiter, other) = (pending.wait(id(1)), pending.wait(id(2)));
        pending.note_queued([id(1), id(9)]);
        assert!(
            !pending.is_stalled(Duration::from_mins(1)),
            "a worker has just been heard of"
        );
        assert!(
            pending.is_stalled(Duration::ZERO),
            "of the other nobody has been heard"
        );
        drop(other);
        assert!(!pending.is_stalled(Duration::ZERO));
        assert!(pending.awaited(Duration::from_nanos(1), 9).is_empty());
        assert_eq!(
            pending.awaited(Duration::ZERO, 9),
            vec![id(1)],
            "somebody has called"
        );
    }

    #[test]
    fn a_place_is_held_until_its_event_is_decided_and_is_no_stall() {
        let (pending, under_way) = (PendingReplies::default(), QuotaPlaces::default());
        let mut places = under_way.take(2, 2).unwrap();
        pending.hold(id(1), places.pop().unwrap());
        pending.hold(id(2), places.pop().unwrap());
        assert!(!pending.is_stalled(Duration::ZERO));
        assert!(pending.awaited(Duration::ZERO, 9).is_empty(), "just taken");
        pending.probe(id(3), 1);
        pending.expire_probes(Duration::ZERO);
        assert!(under_way.take(1, 2).is_none(), "both are held");
        pending.deliver_found([Reply {
            event_id: id(2),
            outcome: Outcome::Parked,
        }]);
        let place = under_way.take(1, 2);
        assert!(place.is_some(), "one was decided");
        assert!(under_way.take(1, 2).is_none());
    }

    #[test]
    fn bulk_that_waits_is_no_stall_and_its_outcomes_hide_none() {
        let pending = PendingReplies::default();
        let _bulk = pending.wait_in(id(1), TrafficClass::Bulk);
        let _other = pending.wait_in(id(2), TrafficClass::Bulk);
        assert!(!pending.is_stalled(Duration::ZERO));
        let _express = pending.wait(id(3));
        pending.deliver([Reply {
            event_id: id(1),
            outcome: Outcome::Parked,
        }]);
        std::thread::sleep(Duration::from_millis(2));
        assert!(pending.is_stalled(Duration::from_millis(1)));
        assert_eq!(
            pending.awaited(Duration::ZERO, 1),
            vec![id(3)],
            "express comes first"
        );
        assert_eq!(pending.awaited(Duration::ZERO, 9), vec![id(3), id(2)]);
        assert_eq!(
            pending.awaited(Duration::ZERO, 9),
            vec![id(3)],
            "bulk has just been looked up"
        );
    }

    #[test]
    fn probes_are_few_and_expire() {
        let pending = PendingReplies::default();
        for n in 0..10 {
            pending.probe(id(n), 3);
        }
        assert_eq!(pending.awaited(Duration::ZERO, 9).len(), 3);
        pending.expire_probes(Duration::ZERO);
        assert!(pending.awaited(Duration::ZERO, 9).is_empty());
    }
}

//! How long the oldest event waits, by where it is.

use chrono::{DateTime, TimeDelta, Utc};

use super::look::{Database, Queues};
use crate::db::heartbeats::Heartbeat;

/// A process that has said nothing for so long does not live: it says so every 4 s.
pub const STALE_AFTER: TimeDelta = TimeDelta::seconds(15);

/// Where an event waits to be applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::Display, strum::EnumIter, strum::IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
pub enum Place {
    /// In the broker's queues.
    Broker,
    /// In a batch that a worker applies.
    Worker,
    /// In the express lane of the spool.
    Spool,
    Bulk,
    /// In a row: imports, replays, what falls due, what waits for something that may be under way.
    Queued,
}

/// How long the oldest has waited in each place. What is not there does not wait.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Lag(Vec<(Place, TimeDelta)>);

impl Lag {
    /// `queue_since`: since when the broker has held something, as far as is known.
    pub fn of(database: &Database, queue_since: Option<DateTime<Utc>>) -> Self {
        let now = database.now();
        let alive = database.processes.iter().filter(|said| is_alive(said, now));
        let at_hand = alive.filter_map(|said| said.oldest_at).min();
        let since = [
            (Place::Broker, queue_since),
            (Place::Worker, at_hand),
            (Place::Spool, database.spool.express_since),
            (Place::Bulk, database.spool.bulk_since),
            (Place::Queued, database.waiting.queued_since),
        ];
        let waits = since
            .into_iter()
            .filter_map(|(place, since)| Some((place, since?)));
        Self(
            waits
                .map(|(place, since)| (place, (now - since).max(TimeDelta::zero())))
                .collect(),
        )
    }

    pub fn at(&self, place: Place) -> TimeDelta {
        let found = self.0.iter().find(|(at, _)| *at == place);
        found.map_or(TimeDelta::zero(), |(_, waits)| *waits)
    }

    /// The oldest of all.
    pub fn most(&self) -> Option<(Place, TimeDelta)> {
        self.0.iter().copied().max_by_key(|(_, waits)| *waits)
    }
}

pub(super) fn is_alive(said: &Heartbeat, now: DateTime<Utc>) -> bool {
    now - said.seen_at <= STALE_AFTER
}

/// Since when somebody has seen messages in the queue of events, and in that of bulk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct SeenSince {
    pub(super) events: Option<DateTime<Utc>>,
    pub(super) bulk: Option<DateTime<Utc>>,
}

impl SeenSince {
    /// After another look, at `now`; what was there at the very first look may be as old as others say.
    pub(super) fn look(self, queues: Queues, now: DateTime<Utc>, told: Option<DateTime<Utc>>) -> Self {
        let since = |messages: u32, before: Option<DateTime<Utc>>| {
            (messages > 0).then(|| before.or(told).unwrap_or(now))
        };
        Self {
            events: since(queues.events.messages, self.events),
            bulk: since(queues.bulk.messages, self.bulk),
        }
    }

    /// Since when the broker has held something to apply. It cannot say that itself; but what is left among the events came later
    /// than the last one that was delivered.
    pub(super) fn waits_since(self, processes: &[Heartbeat]) -> Option<DateTime<Utc>> {
        let delivered = processes.iter().filter_map(|said| said.delivered_at).max();
        let events = self
            .events
            .map(|since| delivered.map_or(since, |delivered| since.max(delivered)));
        events.into_iter().chain(self.bulk).min()
    }
}

/// Since when the broker has held something to apply, as others have seen it, the latest of those that live; for whoever has no
/// broker to ask.
pub fn queue_since_as_told(database: &Database) -> Option<DateTime<Utc>> {
    let now = database.now();
    let mut told = database
        .processes
        .iter()
        .filter(|said| is_alive(said, now) && said.queue_messages.is_some());
    let said = told.next()?;
    let waits = said.queue_messages.is_some_and(|messages| messages > 0);
    waits.then_some(said.queue_waits_since).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queue::amqp::QueueDepth;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_795_176_000 + seconds, 0).unwrap()
    }

    fn queues(events: u32, bulk: u32) -> Queues {
        let depth = |messages| QueueDepth {
            messages,
            consumers: 0,
        };
        Queues {
            events: depth(events),
            bulk: depth(bulk),
            undeliverable: depth(0),
        }
    }

    #[test]
    fn the_broker_holds_something_since_it_was_seen_not_empty() {
        let seen = SeenSince::default().look(queues(0, 0), at(0), None);
        assert_eq!(seen.waits_since(&[]), None);
        let seen = seen
            .look(queues(3, 0), at(5), None)
            .look(queues(9, 0), at(10), None);
        assert_eq!(seen.waits_since(&[]), Some(at(5)));
        let seen = seen.look(queues(0, 2), at(15), None);
        assert_eq!(seen.waits_since(&[]), Some(at(15)), "bulk counts as well");
        let first = SeenSince::default().look(queues(1, 0), at(0), Some(at(-60)));
        assert_eq!(first.waits_since(&[]), Some(at(-60)), "others saw it before");
    }
}

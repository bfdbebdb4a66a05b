//! What the lanes of a worker do at this moment, for its readiness and for its signs of life. Told by batch, never by event.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};

/// A batch that is at hand for longer is stuck: no statement may take as long.
const STUCK: Duration = Duration::from_mins(1);
/// A broker that is there is consumed by then.
const SUBSCRIBED: Duration = Duration::from_secs(15);

/// Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Progress(Arc<Mutex<State>>);

/// A lane: of bulk or not, and its number.
pub(crate) type LaneId = (bool, u16);

#[derive(Debug, Default)]
struct State {
    lanes: BTreeMap<LaneId, Lane>,
    delivered_at: Option<DateTime<Utc>>,
    /// Since when the broker is there and no lane consumes.
    unsubscribed: Option<Instant>,
}

#[derive(Debug, Default)]
struct Lane {
    /// It has a batch since then, and when its oldest event was received.
    batch: Option<(Instant, Option<DateTime<Utc>>)>,
    /// Why nothing can be applied.
    trouble: Option<String>,
    consumes: bool,
}

/// What the lanes do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    pub lanes: usize,
    pub busy: usize,
    /// When the oldest event at hand was received.
    pub oldest_at: Option<DateTime<Utc>>,
    /// When the latest event was received that the broker delivered.
    pub delivered_at: Option<DateTime<Utc>>,
    /// Why the worker does not do its work.
    pub trouble: Option<String>,
}

impl Progress {
    pub(crate) fn started(&self, lane: LaneId) {
        self.state().lanes.entry(lane).or_default();
    }

    pub(crate) fn ended(&self, lane: LaneId) {
        self.state().lanes.remove(&lane);
    }

    /// A lane has taken a batch. `latest`: when the last of its events was received, where the broker delivered it.
    pub(crate) fn took(&self, lane: LaneId, oldest: Option<DateTime<Utc>>, latest: Option<DateTime<Utc>>) {
        let mut state = self.state();
        state.lanes.entry(lane).or_default().batch = Some((Instant::now(), oldest));
        state.delivered_at = state.delivered_at.max(latest);
    }

    /// Nothing can be applied.
    pub(crate) fn paused(&self, lane: LaneId, reason: &str) {
        self.state().lanes.entry(lane).or_default().trouble = Some(reason.to_owned());
    }

    /// The batch is over.
    pub(crate) fn settled(&self, lane: LaneId) {
        let mut state = self.state();
        let lane = state.lanes.entry(lane).or_default();
        (lane.batch, lane.trouble) = (None, None);
    }

    pub(crate) fn consumes(&self, lane: LaneId, consumes: bool) {
        self.state().lanes.entry(lane).or_default().consumes = consumes;
    }

    /// Looks. `has_broker`: there is one, and it is connected.
    pub fn look(&self, has_broker: bool) -> Seen {
        let mut state = self.state();
        let consumes = state.lanes.values().any(|lane| lane.consumes);
        let unsubscribed = (has_broker && !consumes).then(|| state.unsubscribed.unwrap_or_else(Instant::now));
        state.unsubscribed = unsubscribed;
        let batches = || state.lanes.values().filter_map(|lane| lane.batch);
        let longest = batches()
            .map(|(since, _)| since.elapsed())
            .max()
            .unwrap_or_default();
        let trouble = state.lanes.values().find_map(|lane| lane.trouble.clone());
        let trouble = if state.lanes.is_empty() {
            Some("no lane runs".to_owned())
        } else if let Some(reason) = trouble {
            Some(format!("nothing can be applied: {reason}"))
        } else if longest > STUCK {
            Some(format!("a batch is at hand for {} s", longest.as_secs()))
        } else if unsubscribed.is_some_and(|since| since.elapsed() > SUBSCRIBED) {
            Some("the broker is connected, and nothing consumes its queue".to_owned())
        } else {
            None
        };
        Seen {
            lanes: state.lanes.len(),
            busy: batches().count(),
            oldest_at: batches().filter_map(|(_, oldest)| oldest).min(),
            delivered_at: state.delivered_at,
            trouble,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_says_what_keeps_it_from_its_work() {
        let progress = Progress::default();
        assert!(progress.look(false).trouble.is_some(), "nothing runs yet");
        let (express, bulk) = ((false, 0), (true, 0));
        progress.started(express);
        progress.started(bulk);
        assert_eq!(progress.look(true).trouble, None, "it may subscribe soon");
        let received = DateTime::from_timestamp(1_795_176_000, 0);
        progress.took(express, received, received);
        let seen = progress.look(false);
        assert_eq!((seen.lanes, seen.busy, seen.oldest_at), (2, 1, received));
        progress.paused(express, "the database cannot be used");
        let trouble = progress.look(false).trouble.unwrap();
        assert!(trouble.contains("the database cannot be used"), "{trouble}");
        progress.settled(express);
        let seen = progress.look(false);
        assert_eq!((seen.busy, seen.oldest_at, seen.trouble), (0, None, None));
        assert_eq!(seen.delivered_at, received, "it is known still");
        progress.ended(express);
        progress.ended(bulk);
        assert!(progress.look(false).trouble.is_some());
    }
}

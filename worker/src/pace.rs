//! How bulk leaves room for express: while express events come, bulk is applied by one at a time, in small parts, and between two of
//! them it rests as long as the last one took, and longer while express lanes are at work; but never longer than three times that, so
//! that a quarter of the time is bulk's. When express is quiet there are no rests.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use common::apply::MAX_BATCH_EVENTS;
use tokio::sync::{Mutex, OwnedMutexGuard, watch};

/// Express is quiet when no lane has worked for it for so long.
const QUIET: Duration = Duration::from_secs(1);
/// How long a part of bulk should take beside express.
const PART: Duration = Duration::from_millis(50);
/// Events of a part beside express, at the least: fewer cost as much as these, a commit above all.
const LEAST_EVENTS: usize = 100;
/// The longest rest, in times of the part before it: a quarter of the time is bulk's.
const LONGEST_REST: u32 = 3;

/// What the lanes of express do, for those of bulk to see. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct ExpressLoad {
    lanes: watch::Sender<Lanes>,
    /// Whoever applies bulk beside express.
    turn: Arc<Mutex<()>>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Lanes {
    busy: usize,
    last: Option<Instant>,
}

impl Lanes {
    fn is_quiet(self) -> bool {
        self.busy == 0 && self.last.is_none_or(|last| last.elapsed() >= QUIET)
    }
}

impl Default for ExpressLoad {
    fn default() -> Self {
        Self {
            lanes: watch::channel(Lanes::default()).0,
            turn: Arc::default(),
        }
    }
}

/// An express lane at work, until it is dropped.
#[derive(Debug)]
pub(crate) struct Busy(ExpressLoad);

impl ExpressLoad {
    pub(crate) fn begin(&self) -> Busy {
        self.lanes.send_modify(|lanes| lanes.busy += 1);
        Busy(self.clone())
    }

    pub(crate) fn pace(&self) -> Pace {
        Pace {
            load: self.clone(),
            events: LEAST_EVENTS * 2,
        }
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.lanes.send_modify(|lanes| {
            lanes.busy = lanes.busy.saturating_sub(1);
            lanes.last = Some(Instant::now());
        });
    }
}

/// The pace of one who applies bulk.
#[derive(Debug)]
pub(crate) struct Pace {
    load: ExpressLoad,
    /// Of a part beside express.
    events: usize,
}

/// The turn of a part and of the rest behind it. `None`: express is quiet.
pub(crate) type Turn = Option<OwnedMutexGuard<()>>;

impl Pace {
    /// Events of the next part.
    pub(crate) fn part(&self) -> usize {
        if self.load.lanes.borrow().is_quiet() {
            MAX_BATCH_EVENTS
        } else {
            self.events
        }
    }

    pub(crate) async fn turn(&self) -> Turn {
        let is_quiet = self.load.lanes.borrow().is_quiet();
        if is_quiet {
            return None;
        }
        Some(Arc::clone(&self.load.turn).lock_owned().await)
    }

    /// Rests after a part of so many `events`.
    pub(crate) async fn rest(&mut self, turn: Turn, events: usize, took: Duration) {
        if turn.is_none() {
            return;
        }
        self.adapt(events, took);
        tokio::time::sleep(took).await;
        let mut lanes = self.load.lanes.subscribe();
        let idle = lanes.wait_for(|lanes| lanes.busy == 0);
        // Whichever comes first; the load is never dropped before.
        tokio::time::timeout(took * (LONGEST_REST - 1), idle).await.ok();
    }

    fn adapt(&mut self, events: usize, took: Duration) {
        if took > PART {
            self.events = (self.events.min(events) / 2).max(LEAST_EVENTS);
        } else if took < PART / 2 && events >= self.events {
            self.events = (self.events * 2).min(MAX_BATCH_EVENTS);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn beside_express_bulk_has_between_a_quarter_and_a_half() {
        let load = ExpressLoad::default();
        let mut pace = load.pace();
        assert_eq!(pace.part(), MAX_BATCH_EVENTS);
        assert!(pace.turn().await.is_none(), "alone there are no rests");
        let took = Duration::from_millis(20);
        let busy = load.begin();
        assert!(pace.part() < MAX_BATCH_EVENTS);
        let mut rested = async || {
            let turn = pace.turn().await;
            assert!(turn.is_some());
            let began = Instant::now();
            pace.rest(turn, 64, took).await;
            began.elapsed()
        };
        // The lane stays busy: it ends all the same.
        assert!(rested().await >= took * LONGEST_REST);
        drop(busy);
        assert!(rested().await >= took, "express has just worked");
    }

    #[tokio::test]
    async fn one_at_a_time_beside_express() {
        let load = ExpressLoad::default();
        let (first, second) = (load.pace(), load.pace());
        let _busy = load.begin();
        let turn = first.turn().await;
        let mut waiting = Box::pin(second.turn());
        assert!(futures_util::poll!(&mut waiting).is_pending());
        drop(turn);
        assert!(waiting.await.is_some());
    }

    #[test]
    fn parts_are_as_long_as_they_may_take() {
        let mut pace = ExpressLoad::default().pace();
        for _ in 0..20 {
            pace.adapt(pace.events, PART * 2);
        }
        assert_eq!(pace.events, LEAST_EVENTS);
        pace.adapt(1, PART / 9);
        assert_eq!(pace.events, LEAST_EVENTS, "one event says nothing of many");
        for _ in 0..20 {
            pace.adapt(pace.events, PART / 9);
        }
        assert_eq!(pace.events, MAX_BATCH_EVENTS);
    }
}

//! The events that this process has under way, counted by whose they are.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use common::{http::request::Wait, message::TrafficClass};

use super::share::{Counted, Group, Shares};

/// Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(super) struct UnderWay(Arc<Mutex<Shares>>);

/// An event that counts until this is dropped.
#[derive(Debug)]
pub(super) struct Place {
    under_way: UnderWay,
    group: Group,
    pub(super) class: TrafficClass,
    counted: Counted,
    is_answered: bool,
}

impl UnderWay {
    pub(super) fn shares(&self) -> MutexGuard<'_, Shares> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether several organisations have work.
    pub(super) fn is_shared(&self) -> bool {
        self.shares().is_shared()
    }

    /// The places of events that are sent in one call, which go by one lane.
    pub(super) fn places(&self, group: Group, events: usize, wait: Wait) -> Vec<Place> {
        let is_awaited = wait != Wait::Receipt;
        let class = self.shares().begin(group, events, is_awaited, Instant::now());
        let counted = match (class, is_awaited) {
            (TrafficClass::Express, true) => Counted::Awaited,
            (TrafficClass::Express | TrafficClass::Bulk, _) => Counted::Not,
        };
        let place = |_event| Place {
            under_way: self.clone(),
            group,
            class,
            counted,
            is_answered: false,
        };
        (0..events).map(place).collect()
    }
}

impl Place {
    /// Its caller is told something.
    pub(super) fn answered(mut self) {
        self.is_answered = true;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut shares = self.under_way.shares();
        shares.end(self.group, self.counted, self.is_answered, Instant::now());
    }
}

//! Whether an event is within its organisation's share of the express lane.
//!
//! What waits for its outcome counts while it is under way: an organisation may have so many under way, a part of a whole that
//! all share which had work lately; alone it may have any number. By the time that an outcome takes this is a rate, which falls by
//! itself when the workers are busy. What nobody waits for is not known to be under way once it is durable: of that each may send a
//! few a second. So it cannot pile up in the lane of those who wait, not even while nobody else is there.
//!
//! Pure but for its counters: the time comes in.

use std::{
    collections::{HashMap, VecDeque},
    time::{Duration, Instant},
};

use common::{domain::OrgId, message::TrafficClass};

/// Awaited events that all organisations together have under way in express, while several have work.
pub(crate) const AWAITED: usize = 32;
/// What an organisation may have of these, however many there are.
pub(crate) const LEAST_AWAITED: usize = 2;
/// An organisation whose last event is older has no work; it is looked at once a second.
pub(crate) const HAS_WORK: Duration = Duration::from_secs(10);
/// Events of one call that may go express together.
pub(crate) const MOST_LINES: usize = 10;
/// Events a second that go express though nobody waits for them, of one organisation and of all; twice as many at once.
pub(crate) const UNAWAITED: f64 = 50.0;
pub(crate) const UNAWAITED_OF_ALL: f64 = 200.0;
const AT_ONCE: f64 = 2.0;
/// An awaited event whose caller has hung up counts for so long: nobody hears when it is decided.
const LINGERS: Duration = Duration::from_secs(1);

/// Who shares. Strangers in an organisation's name take nothing from its key holders; those of whom nobody knows an organisation are
/// one group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Group {
    pub(crate) org: Option<OrgId>,
    pub(crate) authenticated: bool,
}

/// Whether an event counts among those that its organisation awaits in express.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Counted {
    Awaited,
    Not,
}

/// A number of events that refills by the second.
#[derive(Debug)]
struct Bucket {
    left: f64,
    filled: Instant,
}

impl Bucket {
    fn full(per_second: f64, now: Instant) -> Self {
        Self {
            left: per_second * AT_ONCE,
            filled: now,
        }
    }

    fn refill(&mut self, per_second: f64, now: Instant) {
        let since = now.saturating_duration_since(self.filled).as_secs_f64();
        self.left = (self.left + since * per_second).min(per_second * AT_ONCE);
        self.filled = now;
    }
}

#[derive(Debug)]
struct Load {
    /// Awaited events in express.
    awaited: usize,
    /// Since when those of them have no caller who have lost theirs.
    lingering: VecDeque<Instant>,
    /// All that it has in this process.
    under_way: usize,
    unawaited: Bucket,
    last: Instant,
}

/// What the organisations have under way in this process.
#[derive(Debug, Default)]
pub(crate) struct Shares {
    loads: HashMap<Group, Load>,
    unawaited: Option<Bucket>,
    swept: Option<Instant>,
}

impl Shares {
    /// By which lane `events` of `group`, sent in one call, go. They count until [`Shares::end`] is told of each.
    pub(crate) fn begin(&mut self, group: Group, events: usize, awaited: bool, now: Instant) -> TrafficClass {
        self.sweep(now);
        let all = self
            .unawaited
            .get_or_insert_with(|| Bucket::full(UNAWAITED_OF_ALL, now));
        all.refill(UNAWAITED_OF_ALL, now);
        let groups = self.loads.len() + usize::from(!self.loads.contains_key(&group));
        let load = self.loads.entry(group).or_insert_with(|| Load {
            awaited: 0,
            lingering: VecDeque::new(),
            under_way: 0,
            unawaited: Bucket::full(UNAWAITED, now),
            last: now,
        });
        load.last = now;
        load.under_way += events;
        let is_over = |since: &mut Instant| now.saturating_duration_since(*since) >= LINGERS;
        while load.lingering.pop_front_if(is_over).is_some() {
            load.awaited = load.awaited.saturating_sub(1);
        }
        let fits = if awaited {
            groups == 1 || load.awaited + events <= (AWAITED / groups).max(LEAST_AWAITED)
        } else {
            load.unawaited.refill(UNAWAITED, now);
            let wanted = count(events);
            let fits = load.unawaited.left >= wanted && all.left >= wanted;
            if fits && events <= MOST_LINES {
                load.unawaited.left -= wanted;
                all.left -= wanted;
            }
            fits
        };
        // More than a few are a batch, whoever sends them.
        if !fits || events > MOST_LINES {
            return TrafficClass::Bulk;
        }
        if awaited {
            load.awaited += events;
        }
        TrafficClass::Express
    }

    /// One of them is not under way any more: it is answered, or its caller has hung up.
    pub(crate) fn end(&mut self, group: Group, counted: Counted, is_answered: bool, now: Instant) {
        let Some(load) = self.loads.get_mut(&group) else {
            return;
        };
        load.under_way = load.under_way.saturating_sub(1);
        match counted {
            Counted::Awaited if is_answered => load.awaited = load.awaited.saturating_sub(1),
            Counted::Awaited => load.lingering.push_back(now),
            Counted::Not => {}
        }
    }

    /// Whether several have work.
    pub(crate) fn is_shared(&self) -> bool {
        self.loads.len() > 1
    }

    /// The organisations that have the most under way.
    pub(crate) fn most_loaded(&self, limit: usize) -> Vec<(Option<OrgId>, usize)> {
        let mut orgs: HashMap<Option<OrgId>, usize> = HashMap::new();
        for (group, load) in &self.loads {
            *orgs.entry(group.org).or_default() += load.under_way;
        }
        let mut orgs: Vec<_> = orgs.into_iter().filter(|(_, under_way)| *under_way > 0).collect();
        orgs.sort_by_key(|(org, under_way)| (std::cmp::Reverse(*under_way), *org));
        orgs.truncate(limit);
        orgs
    }

    /// Forgets who has no work: what is under way counts as work.
    fn sweep(&mut self, now: Instant) {
        if self
            .swept
            .is_some_and(|swept| now.saturating_duration_since(swept) < HAS_WORK / 10)
        {
            return;
        }
        self.swept = Some(now);
        self.loads.retain(|_, load| has_work(load, now));
    }
}

fn has_work(load: &Load, now: Instant) -> bool {
    load.under_way > 0 || now.saturating_duration_since(load.last) < HAS_WORK
}

fn count(events: usize) -> f64 {
    f64::from(u32::try_from(events).unwrap_or(u32::MAX))
}

#[cfg(test)]
#[path = "share_tests.rs"]
mod tests;

//! What a publisher has taken and not sent: express in its order, bulk by turns of the organisations, in envelopes of one each.

use std::collections::{BTreeMap, VecDeque};

use common::message::{MAX_ENVELOPE_BYTES, MAX_ENVELOPE_EVENTS};

use super::job::Job;

/// Events that a publisher takes before it sends: bulk of several organisations fills several envelopes.
const MOST: usize = 4 * MAX_ENVELOPE_EVENTS;

/// Jobs by whose bulk they are; express is nobody's.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    waiting: BTreeMap<Option<i64>, VecDeque<Job>>,
    count: usize,
    /// Whose turn was the last.
    last: Option<i64>,
}

impl Gathered {
    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub(super) fn has_room(&self) -> bool {
        self.count < MOST
    }

    pub(super) fn add(&mut self, job: Job) {
        self.count += 1;
        self.waiting.entry(job.bulk_of).or_default().push_back(job);
    }

    /// The jobs of the next envelope, at least one, and whose bulk they are.
    pub(super) fn next(&mut self) -> Option<(Option<i64>, Vec<Job>)> {
        let behind = (std::ops::Bound::Excluded(self.last), std::ops::Bound::Unbounded);
        let next = self
            .waiting
            .range(behind)
            .next()
            .or_else(|| self.waiting.iter().next());
        let of = next.map(|(of, _)| *of)?;
        let queue = self.waiting.get_mut(&of)?;
        let (mut jobs, mut bytes) = (Vec::new(), 0);
        while jobs.len() < MAX_ENVELOPE_EVENTS
            && let Some(job) =
                queue.pop_front_if(|job| jobs.is_empty() || bytes + job.encoded.len() <= MAX_ENVELOPE_BYTES)
        {
            bytes += job.encoded.len();
            jobs.push(job);
        }
        if queue.is_empty() {
            self.waiting.remove(&of);
        }
        self.count -= jobs.len();
        self.last = of;
        Some((of, jobs))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use common::domain::EventId;
    use tokio::sync::{Semaphore, oneshot};

    use super::*;
    use crate::pipeline::job::Room;

    fn job(n: u128, bulk_of: Option<i64>, bytes: usize) -> Job {
        let all = Arc::new(Semaphore::new(1));
        Job {
            id: EventId(uuid::Uuid::from_u128(n)),
            bulk_of,
            encoded: vec![0; bytes],
            durable: oneshot::channel().0,
            _room: Room {
                _all: all.try_acquire_owned().unwrap(),
                _bulk: None,
            },
        }
    }

    /// Whose the next envelopes are, and the ids in each.
    fn envelopes(gathered: &mut Gathered) -> Vec<(Option<i64>, Vec<u128>)> {
        let next = || gathered.next();
        let ids = |jobs: Vec<Job>| jobs.iter().map(|job| job.id.0.as_u128()).collect();
        std::iter::from_fn(next)
            .map(|(of, jobs)| (of, ids(jobs)))
            .collect()
    }

    #[test]
    fn organisations_take_turns_and_share_no_envelope() {
        let mut gathered = Gathered::default();
        let large = MAX_ENVELOPE_BYTES / 2 + 1;
        for (n, org) in [(1, 7), (2, 7), (3, 9), (4, 0), (5, 7)] {
            gathered.add(job(n, Some(org), large));
        }
        let one = |org, id| (Some(org), vec![id]);
        assert_eq!(
            envelopes(&mut gathered),
            [one(0, 4), one(7, 1), one(9, 3), one(7, 2), one(7, 5)]
        );
        assert!(gathered.is_empty());
    }

    #[test]
    fn express_keeps_its_order_and_fills_envelopes() {
        let mut gathered = Gathered::default();
        let many = u128::try_from(MAX_ENVELOPE_EVENTS).unwrap() + 1;
        (0..many).for_each(|n| gathered.add(job(n, None, 1)));
        assert!(gathered.has_room());
        let sent = envelopes(&mut gathered);
        assert_eq!(sent, [(None, (0..many - 1).collect()), (None, vec![many - 1])]);
        gathered.add(job(1, None, MAX_ENVELOPE_BYTES + 1));
        assert_eq!(envelopes(&mut gathered).len(), 1, "the first always fits");
    }
}

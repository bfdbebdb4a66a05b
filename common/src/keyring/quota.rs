//! How many events of an organisation this process takes, whichever keys they come with. What comes without a secret has as much
//! for itself: nobody without one may use up what a shop needs.

use std::{collections::HashMap, num::NonZeroU32, sync::Arc};

use crate::{
    db::keys::OrgQuota,
    domain::OrgId,
    http::{Rate, RateLimit},
};

/// The quotas of an organisation. Clones share what is used up.
#[derive(Clone, Debug)]
pub struct Quota {
    per_minute: Option<Arc<PerMinute>>,
    /// Events that were taken and are not decided yet.
    pub under_way: Option<u32>,
}

#[derive(Debug)]
struct PerMinute {
    authenticated: RateLimit,
    others: RateLimit,
}

impl PerMinute {
    fn new(events: u32) -> Self {
        Self {
            authenticated: RateLimit::new(events),
            others: RateLimit::new(events),
        }
    }
}

impl Quota {
    /// Takes `events` out of this minute's, all or none. `None`: there is no such quota.
    ///
    /// # Errors
    /// The quota, when it is smaller than `events` even when nothing is used up.
    pub fn take(&self, events: NonZeroU32, is_authenticated: bool) -> Result<Option<Rate>, u32> {
        let limit = match (&self.per_minute, is_authenticated) {
            (None, _) => return Ok(None),
            (Some(limits), true) => &limits.authenticated,
            (Some(limits), false) => &limits.others,
        };
        let taken = limit.take_many(events);
        taken.map(Some).ok_or_else(|| limit.per_minute())
    }
}

/// Those of the database. What is used up of one that has not changed stays used up.
pub(super) fn renewed(before: &HashMap<OrgId, Quota>, now: Vec<OrgQuota>) -> HashMap<OrgId, Quota> {
    let renewed = now.into_iter().map(|quota| {
        let known = before.get(&quota.org).and_then(|known| known.per_minute.clone());
        let per_minute = quota.per_minute.map(|per_minute| {
            known
                .filter(|limits| limits.authenticated.per_minute() == per_minute)
                .unwrap_or_else(|| Arc::new(PerMinute::new(per_minute)))
        });
        let under_way = quota.under_way;
        (
            quota.org,
            Quota {
                per_minute,
                under_way,
            },
        )
    });
    renewed.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(number: u32) -> NonZeroU32 {
        NonZeroU32::new(number).unwrap()
    }

    fn of(per_minute: Option<u32>) -> Vec<OrgQuota> {
        vec![OrgQuota {
            org: OrgId(1),
            per_minute,
            under_way: None,
        }]
    }

    #[test]
    fn many_are_taken_whole_or_not_at_all_and_a_reload_fills_nothing_up() {
        let first = renewed(&HashMap::new(), of(Some(10)));
        let quota = &first[&OrgId(1)];
        assert_eq!(quota.take(events(7), true).unwrap().unwrap().remaining, 3);
        let again = renewed(&first, of(Some(10)));
        let quota = &again[&OrgId(1)];
        let refused = quota.take(events(4), true).unwrap().unwrap();
        assert!(refused.retry_after.is_some() && refused.limit == 10);
        assert_eq!(quota.take(events(3), true).unwrap().unwrap().remaining, 0);
        assert_eq!(quota.take(events(11), true), Err(10), "never");
        assert_eq!(
            quota.take(events(4), false).unwrap().unwrap().remaining,
            6,
            "strangers took nothing of it"
        );

        let raised = renewed(&again, of(Some(20)));
        assert_eq!(
            raised[&OrgId(1)]
                .take(events(1), true)
                .unwrap()
                .unwrap()
                .remaining,
            19
        );
        let lifted = renewed(&raised, of(None));
        assert_eq!(lifted[&OrgId(1)].take(events(1_000), true), Ok(None));
        assert!(renewed(&lifted, Vec::new()).is_empty());
    }
}

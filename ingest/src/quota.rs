//! The quotas of organisations: how many of their events this process takes in a minute, and has under way.
//!
//! What comes without a secret counts for itself, up to the same numbers: strangers must not use up what a shop needs.

use std::{
    collections::HashMap,
    num::NonZeroU32,
    sync::{Mutex, PoisonError},
};

use common::{
    domain::{Event, OrgId},
    http::{Rate, Rejection, request::Invalid},
    keyring::Keys,
    queue::{QuotaPlace, QuotaPlaces},
};

/// What is under way of each organisation that has a quota for it, with a secret and without.
#[derive(Debug, Default)]
pub(crate) struct Quotas(Mutex<HashMap<(OrgId, bool), QuotaPlaces>>);

/// Events that may be submitted.
#[derive(Debug, Default)]
pub(crate) struct Admission {
    /// What is left of this minute, where there is a quota.
    pub(crate) rate: Option<Rate>,
    /// One for each event, where there is a quota; else none.
    pub(crate) places: Vec<QuotaPlace>,
}

impl Quotas {
    /// Whether so many events such as `event` may be taken now: all or none of them.
    ///
    /// # Errors
    /// 429 when too few are left; 400 when they were too many even if nothing were used up.
    pub(crate) fn admit(&self, keys: &Keys, event: &Event, events: usize) -> Result<Admission, Rejection> {
        let events = u32::try_from(events).unwrap_or(u32::MAX);
        // Whose a call without a key is may be known by the worker alone.
        let known = event.org.and_then(|org| Some((org, keys.quota(org)?)));
        let (Some((org, quota)), Some(number)) = (known, NonZeroU32::new(events)) else {
            return Ok(Admission::default());
        };
        // First what can be given back.
        let places = match quota.under_way {
            Some(limit) if events > limit => {
                return Err(too_many(events, &format!("may have {limit} under way")));
            }
            Some(limit) => {
                let taken = self.under_way(org, event.authenticated).take(events, limit);
                taken.ok_or(Rejection::QuotaUnderWay { limit })?
            }
            None => Vec::new(),
        };
        let rate = quota
            .take(number, event.authenticated)
            .map_err(|limit| too_many(events, &format!("may send {limit} a minute")))?;
        match rate {
            Some(rate) if rate.retry_after.is_some() => Err(Rejection::QuotaPerMinute {
                rate,
                retry_after: rate.retry_after.unwrap_or_default(),
            }),
            _ => Ok(Admission { rate, places }),
        }
    }

    fn under_way(&self, org: OrgId, is_authenticated: bool) -> QuotaPlaces {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.entry((org, is_authenticated)).or_default().clone()
    }
}

fn too_many(events: u32, quota: &str) -> Rejection {
    Rejection::Invalid(Invalid::new(format!(
        "the request has {events} events, and the organisation {quota}: send fewer at once"
    )))
}

//! Event ids that prove themselves: a UUIDv7 whose last 32 bits are an HMAC of the organisation and the rest.
//!
//! So a receipt can be checked before its row exists, and a guessed one is not answered. And they ascend: of two changes
//! of one field the one with the later id wins, so the lines of a request must have ids in their order.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use uuid::{Builder, Uuid};

use crate::domain::{EventId, OrgId};

/// Bits between the milliseconds and the proof: 12 before the UUID's variant, 30 behind it.
const SEQUENCE_BITS: u32 = 42;
const LOW_BITS: u32 = 30;
/// Two ids of one millisecond are apart by up to this: others cannot be guessed from one, and there is room for 500,000.
const MAX_STEP: u64 = 1 << 22;
/// A clock that was set back by less goes on from the last id.
const MAX_SLEW_MILLIS: u64 = 1_000;

/// Issues and verifies event ids with the installation's secret. Its clones issue ascending ids together.
#[derive(Clone)]
pub struct EventIds {
    mac: Hmac<Sha256>,
    last: Arc<Mutex<Moment>>,
}

/// Where in time an id stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Moment {
    millis: u64,
    sequence: u64,
}

impl fmt::Debug for EventIds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EventIds(secret)")
    }
}

impl EventIds {
    /// `secret` is the setting `receipt_secret`; any length will do.
    pub fn new(secret: &SecretString) -> Option<Self> {
        let mac = Hmac::new_from_slice(secret.expose_secret().as_bytes()).ok()?;
        Some(Self {
            mac,
            last: Arc::default(),
        })
    }

    /// A fresh id for an event of `org` received at `now`, greater than those before it. `None`: it came without a key.
    pub fn issue(&self, org: impl Into<Option<OrgId>>, now: DateTime<Utc>) -> EventId {
        let millis = u64::try_from(now.timestamp_millis()).unwrap_or_default();
        let moment = self.next(millis);
        let high = moment.sequence >> LOW_BITS;
        let low = moment.sequence & ((1 << LOW_BITS) - 1);
        let mut bytes = [0; 10];
        bytes[..2].copy_from_slice(&u16::try_from(high).unwrap_or_default().to_be_bytes());
        bytes[2..6].copy_from_slice(&u32::try_from(low).unwrap_or_default().to_be_bytes());
        let draft = Builder::from_unix_timestamp_millis(moment.millis, &bytes).into_uuid();
        let proof = self.proof(org.into(), draft);
        let low = u128::from(u32::from_be_bytes(proof));
        EventId(Uuid::from_u128(draft.as_u128() & !u128::from(u32::MAX) | low))
    }

    fn next(&self, millis: u64) -> Moment {
        // The upper half is left for those that follow in the same millisecond.
        let fresh = Moment {
            millis,
            sequence: rand::random_range(0..1 << (SEQUENCE_BITS - 1)),
        };
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if millis + MAX_SLEW_MILLIS < last.millis {
            // More than a clock's jitter: the caller issues ids of another time.
            return fresh;
        }
        let mut next = fresh;
        if millis <= last.millis {
            next.millis = last.millis;
            next.sequence = last.sequence + rand::random_range(1..=MAX_STEP);
            if next.sequence >= 1 << SEQUENCE_BITS {
                next = Moment {
                    millis: last.millis + 1,
                    ..fresh
                };
            }
        }
        *last = next;
        next
    }

    /// Whether `id` was issued here for `org`, or, where that is `None`, for an event without a key.
    pub fn verify(&self, org: impl Into<Option<OrgId>>, id: EventId) -> bool {
        let stated = u32::try_from(id.0.as_u128() & u128::from(u32::MAX))
            .unwrap_or_default()
            .to_be_bytes();
        self.proof(org.into(), id.0).ct_eq(&stated).into()
    }

    fn proof(&self, org: Option<OrgId>, id: Uuid) -> [u8; 4] {
        let mut mac = self.mac.clone();
        mac.update(&OrgId::stored(org).to_be_bytes());
        mac.update(&(id.as_u128() >> 32).to_be_bytes());
        let [a, b, c, d, ..]: [u8; 32] = mac.finalize().into_bytes().into();
        [a, b, c, d]
    }
}

/// When the event was received, to the millisecond; `None` for an id that is no UUIDv7.
pub fn received_at(id: EventId) -> Option<DateTime<Utc>> {
    let (seconds, nanos) = id.0.get_timestamp()?.to_unix();
    DateTime::from_timestamp(i64::try_from(seconds).ok()?, nanos)
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn an_id_proves_its_organisation_and_keeps_its_time() {
        let ids = EventIds::new(&"a secret".into()).unwrap();
        let now = DateTime::from_timestamp_millis(1_790_000_000_123).unwrap();
        let id = ids.issue(OrgId(7), now);
        assert_eq!(id.0.get_version_num(), 7);
        assert_eq!(received_at(id), Some(now));
        assert!(ids.verify(OrgId(7), id));
        assert!(!ids.verify(OrgId(8), id));
        assert!(!EventIds::new(&"another".into()).unwrap().verify(OrgId(7), id));
        let changed = EventId(Uuid::from_u128(id.0.as_u128() ^ (1 << 40)));
        assert!(!ids.verify(OrgId(7), changed));
    }

    #[test]
    fn an_id_that_came_without_a_key_proves_that() {
        let ids = EventIds::new(&"a secret".into()).unwrap();
        let now = DateTime::from_timestamp_millis(1_790_000_000_123).unwrap();
        let (keyless, keyed) = (ids.issue(None::<OrgId>, now), ids.issue(OrgId(7), now));
        assert!(ids.verify(None::<OrgId>, keyless) && !ids.verify(OrgId(7), keyless));
        assert!(ids.verify(OrgId(7), keyed) && !ids.verify(None::<OrgId>, keyed));
        // As processes of earlier versions issued it.
        assert!(ids.verify(OrgId(0), keyless));
    }

    #[test]
    fn ids_ascend_within_a_millisecond_and_when_the_clock_trembles() {
        let ids = EventIds::new(&"a secret".into()).unwrap();
        let now = DateTime::from_timestamp_millis(1_790_000_000_123).unwrap();
        let all: Vec<EventId> = (0..10_000).map(|_| ids.clone().issue(OrgId(1), now)).collect();
        assert!(all.is_sorted() && all.windows(2).all(|pair| pair[0] != pair[1]));
        assert!(
            all.iter().all(|id| received_at(*id) == Some(now)),
            "of this millisecond"
        );
        let back = ids.issue(OrgId(1), now - TimeDelta::milliseconds(999));
        assert!(all[9_999] < back && ids.verify(OrgId(1), back));
        let long_ago = now - TimeDelta::days(1);
        assert_eq!(received_at(ids.issue(OrgId(1), long_ago)), Some(long_ago));
    }

    #[test]
    fn a_millisecond_that_is_full_flows_over_into_the_next() {
        let ids = EventIds::new(&"a secret".into()).unwrap();
        let now = DateTime::from_timestamp_millis(1_790_000_000_123).unwrap();
        let first = ids.issue(OrgId(1), now);
        ids.last.lock().unwrap().sequence = (1 << SEQUENCE_BITS) - 1;
        let second = ids.issue(OrgId(1), now);
        assert!(first < second);
        assert_eq!(received_at(second), Some(now + TimeDelta::milliseconds(1)));
    }

    #[test]
    fn two_processes_do_not_issue_the_same() {
        let now = DateTime::from_timestamp_millis(1_790_000_000_123).unwrap();
        let of_process = || {
            let ids = EventIds::new(&"a secret".into()).unwrap();
            (0..1_000).map(move |_| ids.issue(OrgId(1), now))
        };
        let all: std::collections::HashSet<EventId> = of_process().chain(of_process()).collect();
        assert_eq!(all.len(), 2_000);
    }
}

//! Event ids that prove themselves: a UUIDv7 whose last 32 bits are an HMAC of the organisation and the rest.
//!
//! So a receipt can be checked before its row exists, and a stranger's guess is not answered.

use std::fmt;

use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use uuid::{Builder, Uuid};

use crate::domain::{EventId, OrgId};

/// Issues and verifies event ids with the installation's secret.
#[derive(Clone)]
pub struct EventIds {
    mac: Hmac<Sha256>,
}

impl fmt::Debug for EventIds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EventIds(secret)")
    }
}

impl EventIds {
    /// `secret` is the setting `receipt_secret`; any length will do.
    pub fn new(secret: &str) -> Option<Self> {
        Hmac::new_from_slice(secret.as_bytes())
            .ok()
            .map(|mac| Self { mac })
    }

    /// A fresh id for an event of `org` received at `now`.
    pub fn issue(&self, org: OrgId, now: DateTime<Utc>) -> EventId {
        let random: [u8; 10] = rand::random();
        let millis = u64::try_from(now.timestamp_millis()).unwrap_or_default();
        let draft = Builder::from_unix_timestamp_millis(millis, &random).into_uuid();
        let proof = self.proof(org, draft);
        let low = u128::from(u32::from_be_bytes(proof));
        EventId(Uuid::from_u128(draft.as_u128() & !u128::from(u32::MAX) | low))
    }

    /// Whether `id` was issued here for `org`.
    pub fn verify(&self, org: OrgId, id: EventId) -> bool {
        let stated = u32::try_from(id.0.as_u128() & u128::from(u32::MAX))
            .unwrap_or_default()
            .to_be_bytes();
        self.proof(org, id.0).ct_eq(&stated).into()
    }

    fn proof(&self, org: OrgId, id: Uuid) -> [u8; 4] {
        let mut mac = self.mac.clone();
        mac.update(&org.0.to_be_bytes());
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
    use super::*;

    #[test]
    fn an_id_proves_its_organisation_and_keeps_its_time() {
        let ids = EventIds::new("a secret").unwrap();
        let now = DateTime::from_timestamp_millis(1_790_000_000_123).unwrap();
        let id = ids.issue(OrgId(7), now);
        assert_eq!(id.0.get_version_num(), 7);
        assert_eq!(received_at(id), Some(now));
        assert!(ids.verify(OrgId(7), id));
        assert!(!ids.verify(OrgId(8), id));
        assert!(!EventIds::new("another").unwrap().verify(OrgId(7), id));
        let changed = EventId(Uuid::from_u128(id.0.as_u128() ^ (1 << 40)));
        assert!(!ids.verify(OrgId(7), changed));
    }

    #[test]
    fn ids_of_one_millisecond_differ() {
        let ids = EventIds::new("a secret").unwrap();
        let now = DateTime::from_timestamp_millis(1_790_000_000_123).unwrap();
        let all: std::collections::HashSet<_> = (0..10_000).map(|_| ids.issue(OrgId(1), now)).collect();
        assert_eq!(all.len(), 10_000);
    }
}

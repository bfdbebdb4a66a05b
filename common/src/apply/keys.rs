//! The keys of a batch: whatever two events must not change at the same time has the same key.

use crate::domain::{Event, Incoming, OrgId};

/// The 64-bit hashes of all keys, sorted and unique. Two keys with one hash only wait for each other needlessly.
pub(super) fn sorted(events: &[Incoming]) -> Vec<i64> {
    let mut keys: Vec<i64> = events.iter().flat_map(|incoming| of(&incoming.event)).collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}

fn of(event: &Event) -> Vec<i64> {
    let order = event.order().map(|order| hash("order", event.org, order));
    let customers = event
        .customers()
        .into_iter()
        .map(|customer| hash("customer", event.org, &customer.key()));
    let idempotency = event
        .idempotency
        .as_ref()
        .map(|key| hash("idempotency", event.org, &key.key));
    let keys: Vec<i64> = [order, idempotency]
        .into_iter()
        .flatten()
        .chain(customers)
        .collect();
    if keys.is_empty() {
        vec![hash("event", event.org, &event.id.to_string())]
    } else {
        keys
    }
}

/// FNV-1a: the same in every version and process, which std's hasher does not promise.
fn hash(kind: &str, org: OrgId, name: &str) -> i64 {
    let bytes = kind
        .bytes()
        .chain([0])
        .chain(org.0.to_le_bytes())
        .chain(name.bytes());
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    hash.cast_signed()
}

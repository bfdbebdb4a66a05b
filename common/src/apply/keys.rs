//! The keys of a batch: whatever two events must not create or change at the same time has the same key. Rows that are
//! found under another name than their key's are locked themselves when they are loaded.

use crate::domain::{Body, Event, Incoming, OrgId, Scheduled, click_name::ClickName};

/// Keys that an event alone needs.
pub(super) fn count(event: &Event) -> usize {
    names_of(event).len() + of(event).len()
}

/// Keys of names that are known in all organisations: clicks by the clients' own ids, and sessions.
pub(super) fn names(events: &[Incoming]) -> Vec<i64> {
    sorted(events.iter().flat_map(|incoming| names_of(&incoming.event)))
}

fn names_of(event: &Event) -> Vec<i64> {
    let clicks = event
        .clicks()
        .into_iter()
        .filter_map(|click| match ClickName::parse(click) {
            ClickName::Theirs(name) => Some(hash("click", OrgId::UNLOCATED, &name)),
            ClickName::Ours { .. } => None,
        });
    let session = event
        .session()
        .map(|session| hash("session", OrgId::UNLOCATED, session));
    clicks.chain(session).collect()
}

/// Keys of everything else.
pub(super) fn of_batch(events: &[Incoming]) -> Vec<i64> {
    sorted(events.iter().flat_map(|incoming| of(&incoming.event)))
}

/// Sorted and unique. Two keys with one hash only wait for each other needlessly.
fn sorted(keys: impl Iterator<Item = i64>) -> Vec<i64> {
    let mut keys: Vec<i64> = keys.collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}

fn of(event: &Event) -> Vec<i64> {
    let orders = event
        .order()
        .into_iter()
        .chain(new_order(event))
        .map(|order| hash("order", event.org, order));
    let customers = event
        .customers()
        .into_iter()
        .map(|customer| hash("customer", event.org, &customer.key()));
    let idempotency = event
        .idempotency
        .iter()
        .map(|key| hash("idempotency", event.org, &key.key));
    let keys: Vec<i64> = orders
        .chain(idempotency)
        .chain(customers)
        .chain(money(event))
        .collect();
    if keys.is_empty() {
        vec![hash("event", event.org, &event.id.to_string())]
    } else {
        keys
    }
}

/// The external id that a conversion is to get.
pub(super) fn new_order(event: &Event) -> Option<&str> {
    match &event.body {
        Body::EditConversion(edit) => edit.external_id.as_deref(),
        _ => None,
    }
}

/// Payments to one affiliate cover commissions one after the other; a bonus is given once.
fn money(event: &Event) -> Vec<i64> {
    match &event.body {
        Body::Pay(pay) => {
            let payees = pay
                .payments
                .iter()
                .map(|one| hash("payee", event.org, &one.affiliate));
            payees.collect()
        }
        Body::Scheduled(Scheduled::Bonus {
            program,
            bonus,
            affiliate,
            month,
        }) => vec![hash(
            "bonus",
            event.org,
            &format!("{program} {affiliate} {month} {bonus}"),
        )],
        _ => Vec::new(),
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

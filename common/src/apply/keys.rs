//! The keys of a batch: whatever two events must not create or change at the same time has the same key. Rows that are
//! found under another name than their key's are locked themselves when they are loaded.

use super::new_event::NewEvent;
use crate::{
    db::locks,
    domain::{Dependency, Event, Incoming, Needs, OrgId, click_name::ClickName},
};

/// Keys that an event alone needs.
pub(super) fn count(event: &Event) -> usize {
    let needs = event.needs();
    shared_names(&needs).count() + of(event, &needs).len()
}

/// Keys of names by which events without an organisation find theirs: clicks by the clients' own ids, and sessions.
pub(super) fn names(events: &[Incoming]) -> Vec<i64> {
    let keys = events
        .iter()
        .flat_map(|incoming| shared_names(&incoming.event.needs()).collect::<Vec<_>>());
    sorted(keys)
}

fn shared_names(needs: &Needs<'_>) -> impl Iterator<Item = i64> {
    let clicks = needs
        .clicks
        .iter()
        .filter_map(|click| match ClickName::parse(click) {
            ClickName::Theirs(name) => Some(locks::key("click", None, &name)),
            ClickName::Ours { .. } => None,
        });
    let session = needs.session.iter();
    clicks.chain(session.map(|session| locks::key("session", None, session)))
}

/// Keys under which events may be parked: for what the batch brings, or for what its own events may wait.
pub(super) fn of_parking(new: &[NewEvent<'_>]) -> Vec<i64> {
    sorted(new.iter().flat_map(|NewEvent { event, needs }| {
        let named = named(event.org, needs);
        shared_names(needs).chain(named).collect::<Vec<_>>()
    }))
}

/// The key of what an event waits for.
pub(super) fn of_name(org: OrgId, name: &Dependency) -> i64 {
    let org = (!name.tells_org()).then_some(org);
    locks::key(name.kind(), org, &name.name())
}

/// Keys of names within an organisation.
fn named(org: Option<OrgId>, needs: &Needs<'_>) -> impl Iterator<Item = i64> {
    let orders = needs.order.into_iter().chain(needs.new_order);
    let customers = needs.customers.iter();
    orders
        .map(move |order| locks::key("order", org, order))
        .chain(customers.map(move |customer| locks::key("customer", org, &customer.key())))
}

/// Keys of everything else, by event.
pub(super) fn by_event(events: &[Incoming]) -> Vec<Vec<i64>> {
    events
        .iter()
        .map(|incoming| of(&incoming.event, &incoming.event.needs()))
        .collect()
}

/// Those of all events, in the order in which they are locked.
pub(super) fn of_all(by_event: &[Vec<i64>]) -> Vec<i64> {
    sorted(by_event.iter().flatten().copied())
}

/// Sorted and unique. Two keys with one hash only wait for each other needlessly.
fn sorted(keys: impl Iterator<Item = i64>) -> Vec<i64> {
    let mut keys: Vec<i64> = keys.collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}

fn of(event: &Event, needs: &Needs<'_>) -> Vec<i64> {
    let key = |kind: &str, name: &str| locks::key(kind, event.org, name);
    let mut keys: Vec<i64> = named(event.org, needs).collect();
    keys.extend(
        event
            .idempotency
            .as_ref()
            .map(|used| key("idempotency", &used.key)),
    );
    // Payments to one affiliate cover commissions one after the other.
    keys.extend(needs.payees.iter().map(|payee| key("payee", payee)));
    keys.extend(needs.bonus.map(|due| {
        let name = format!("{} {} {} {}", due.program, due.affiliate, due.month, due.bonus);
        key("bonus", &name)
    }));
    if keys.is_empty() {
        keys.push(key("event", &event.id.to_string()));
    }
    keys
}

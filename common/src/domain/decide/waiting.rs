//! Events whose order, customer, click or session is not there: they are refused only when nothing that was accepted before them
//! is under way any more.
//!
//! A change of something is worth keeping: while its caller waits it is looked at again, at the end it is refused, or parked until
//! what it changes comes. Whoever only looks for whom to pay is refused as soon as nothing earlier can tell, and until then
//! queued.

use super::{Decisions, RowWrite, parked::Parked};
use crate::domain::{Applied, Body, Dependency, Event, OrgId, Outcome, Reason, Refusal, dependency};

/// Events that may be parked for one order or customer. More are refused, so that one name cannot fill the table.
pub const MAX_PARKED_PER_NAME: usize = 100;

impl Decisions {
    /// What becomes of an event that was refused for now.
    pub(super) fn wait_or_refuse(&mut self, event: &Event, refusal: Refusal) -> Outcome {
        let missing = self.missing(event, refusal.reason);
        let is_through = self.world.earlier_are_through.contains(&event.id);
        let now = self.world.now;
        match (missing.into_iter().next(), event.org) {
            (Some(changed), Some(org)) if event.is_change() => match event.is_awaited(now) {
                true if !event.is_last_look(now) => Outcome::Queued,
                true if is_through => Outcome::Refused(refusal),
                true | false => self.park(event, org, changed),
            },
            (Some(_), _) if !is_through => Outcome::Queued,
            (Some(_) | None, _) => Outcome::Refused(refusal),
        }
    }

    /// What the event needs, is not there, and may still come.
    fn missing(&self, event: &Event, reason: Reason) -> Vec<Dependency> {
        let is_of_the_unknown = matches!(
            reason,
            Reason::UnknownOrder | Reason::UnknownCustomer | Reason::UnknownClick | Reason::NotAttributed
        );
        if !is_of_the_unknown {
            return Vec::new();
        }
        let mut needed = dependency::needed(event);
        // One of a lead's names suffices: if that leads nowhere, another would not either.
        if matches!(event.body, Body::Lead(_)) && needed.iter().any(|key| self.is_there(event, key)) {
            return Vec::new();
        }
        needed.retain(|key| !self.is_there(event, key));
        needed
    }

    /// Whether waiting for it would change nothing. Of a program that the key does not see it is there all the same.
    fn is_there(&self, event: &Event, key: &Dependency) -> bool {
        let world = &self.world;
        match key {
            Dependency::Order(order) => event
                .org
                .is_some_and(|org| world.conversion_of(org, order).is_some()),
            // In a program that wants authenticated leads a sale finds nobody by an unauthenticated customer: an authenticated
            // lead may come.
            Dependency::Customer(identity) => {
                let customer = event.org.and_then(|org| world.living_customer(org, identity));
                customer.is_some_and(|customer| {
                    customer.is_authenticated() || !matches!(event.body, Body::CreateConversion(_))
                })
            }
            Dependency::Click(name) => event
                .org
                .is_some_and(|org| world.click_names.contains_key(&(org, name.clone()))),
            Dependency::Session(session) => event
                .org
                .is_some_and(|org| world.sessions.contains_key(&(org, session.clone()))),
        }
    }

    fn park(&mut self, event: &Event, org: OrgId, changed: Dependency) -> Outcome {
        let waiting = self.world.parked.entry((org, changed.clone())).or_default();
        if waiting.len() >= MAX_PARKED_PER_NAME {
            let detail = format!(
                "{MAX_PARKED_PER_NAME} events already wait for {} {:?}",
                changed.kind(),
                changed.sent()
            );
            return Outcome::Refused(Refusal::new(Reason::ParkingFull, detail));
        }
        waiting.push(event.clone());
        self.effects.parked.push(Parked {
            event: event.id,
            org,
            waits_for: changed,
        });
        Outcome::Parked
    }

    /// The parked events of an order that has just been recorded, in the order of their times. They need nothing else that
    /// would have to be locked and loaded.
    pub(super) fn brings(&mut self, event: &Event, outcome: &Outcome) -> Vec<Event> {
        let (Body::CreateConversion(_), Outcome::Applied(Applied::Conversion(_)), Some(org), Some(order)) =
            (&event.body, outcome, event.org, event.order())
        else {
            return Vec::new();
        };
        let key = (org, Dependency::Order(order.to_owned()));
        let mut brought = self.world.parked.remove(&key).unwrap_or_default();
        brought.sort_by_key(|event| event.id);
        brought
    }

    /// Queues what was parked for a customer that has come with this event: it may name another customer, too, which has yet to be
    /// locked and loaded. An order that came by a change of its name is found by the sweep.
    pub(super) fn release(&mut self, event: &Event, outcome: &Outcome) {
        let Some(org) = event.org else { return };
        if self.world.parked.is_empty() || !matches!(outcome, Outcome::Applied(_)) {
            return;
        }
        let customers = event.needs().customers.into_iter().map(Dependency::Customer);
        for key in customers.collect::<Vec<_>>() {
            let waiting = self.world.parked.get(&(org, key.clone()));
            let is_released =
                waiting.is_some_and(|waiting| waiting.iter().any(|parked| self.is_there(parked, &key)));
            if is_released && let Some(released) = self.world.parked.remove(&(org, key)) {
                for parked in released {
                    self.record(parked, Outcome::Queued, RowWrite::Update, None);
                }
            }
        }
    }
}

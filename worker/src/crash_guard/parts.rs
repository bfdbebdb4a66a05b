//! A suspect batch, cut into what is applied in one go. In their order, so that an order's later events come after its earlier ones.

use std::collections::{HashMap, HashSet};

use common::{
    db::crash_marks::Found,
    domain::{EventId, Incoming},
};

use super::{Care, GROUP_EVENTS, MAX_FINDS};

/// What is applied in one go.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Part<'a> {
    /// Nothing is wrong with them, or they have their outcome already.
    Plain(&'a [Incoming]),
    /// Suspect, but not found: marked, and applied as a whole.
    Together(&'a [Incoming]),
    /// Found: nothing else is applied meanwhile.
    Alone(&'a Incoming),
    /// Found too often.
    Dead(&'a Incoming, Found),
}

#[derive(PartialEq)]
enum Kind {
    Plain,
    Together,
    Alone,
    Dead(Found),
}

/// Cuts a batch. `known` have an outcome, `found` a mark.
pub(super) fn cut<'a>(
    events: &'a [Incoming],
    care: Care,
    known: &HashSet<EventId>,
    found: &HashMap<EventId, Found>,
) -> Vec<Part<'a>> {
    let kind = |one: &Incoming| match found.get(&one.event.id) {
        _ if care == Care::Plain || known.contains(&one.event.id) => Kind::Plain,
        Some(found) if found.times >= MAX_FINDS => Kind::Dead(found.clone()),
        Some(found) if found.times > 0 => Kind::Alone,
        Some(_) | None => Kind::Together,
    };
    let alike = events.chunk_by(|one, next| {
        let (one, next) = (kind(one), kind(next));
        one == next && matches!(one, Kind::Plain | Kind::Together)
    });
    let mut parts = Vec::new();
    for alike in alike {
        let Some(first) = alike.first() else { continue };
        match kind(first) {
            Kind::Plain => parts.push(Part::Plain(alike)),
            Kind::Together => parts.extend(alike.chunks(GROUP_EVENTS).map(Part::Together)),
            Kind::Alone => parts.push(Part::Alone(first)),
            Kind::Dead(found) => parts.push(Part::Dead(first, found)),
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use common::{
        domain::{Body, Dialect, Event, OrgId, Refund},
        message::EventIds,
        runtime::Clock,
    };

    use super::*;

    fn events(many: usize) -> Vec<Incoming> {
        let (clock, ids) = (Clock::default(), EventIds::new(&"test".into()).unwrap());
        let event = |_| Event {
            id: ids.issue(OrgId(1), clock.now()),
            org: Some(OrgId(1)),
            dialect: Dialect::Native,
            received_at: clock.now(),
            authenticated: true,
            program_scope: None,
            idempotency: None,
            wait_until: None,
            request_id: None,
            trace: None,
            warnings: Vec::new(),
            body: Body::Refund(Refund::default()),
        };
        let events = (0..many).map(event);
        events.map(|event| Incoming { event, queued: false }).collect()
    }

    fn found(event: &Incoming, times: i32) -> (EventId, Found) {
        let event = event.event.id;
        let place = String::new();
        (event, Found { event, times, place })
    }

    #[test]
    fn a_plain_batch_is_not_cut() {
        let events = events(3);
        let parts = cut(&events, Care::Plain, &HashSet::new(), &HashMap::new());
        assert_eq!(parts, [Part::Plain(&events)]);
    }

    #[test]
    fn suspects_are_together_until_they_are_found_and_dead_at_the_third_time() {
        let events = events(8);
        let known = HashSet::from([events[0].event.id, events[6].event.id]);
        let marks = [
            found(&events[0], 2),
            found(&events[2], 0),
            found(&events[3], 1),
            found(&events[4], MAX_FINDS - 1),
            found(&events[5], MAX_FINDS),
            found(&events[6], MAX_FINDS),
        ];
        let dead = marks[4].1.clone();
        let parts = cut(&events, Care::Suspect, &known, &HashMap::from(marks));
        assert_eq!(
            parts,
            [
                Part::Plain(&events[..1]),
                Part::Together(&events[1..3]),
                Part::Alone(&events[3]),
                Part::Alone(&events[4]),
                Part::Dead(&events[5], dead),
                Part::Plain(&events[6..7]),
                Part::Together(&events[7..]),
            ]
        );
    }

    #[test]
    fn a_crash_makes_no_more_of_them_suspect_than_a_group() {
        let events = events(2 * GROUP_EVENTS + 1);
        let parts = cut(&events, Care::Suspect, &HashSet::new(), &HashMap::new());
        let sizes = parts.iter().map(|part| match part {
            Part::Together(events) => events.len(),
            other => panic!("{other:?}"),
        });
        assert_eq!(sizes.collect::<Vec<_>>(), [GROUP_EVENTS, GROUP_EVENTS, 1]);
    }
}

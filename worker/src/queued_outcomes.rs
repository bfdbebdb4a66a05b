//! Counts queued events by why they were queued, and those that failed once more: nobody waits for them, so nobody else would notice.

use std::collections::{BTreeMap, HashSet};

use common::{
    domain::{Decision, Dialect, Event, EventId, Outcome},
    telemetry::metrics::{self, Source},
};

/// Counts what has been decided. `tried`: those that were tried before.
pub(crate) fn note(decisions: &[Decision], tried: &HashSet<EventId>) {
    let mut taken: BTreeMap<&'static str, usize> = BTreeMap::new();
    let (mut refused, mut dead) = (0, 0);
    for Decision { event, outcome, .. } in decisions {
        let is_tried = tried.contains(&event.id);
        *taken.entry(source(event, is_tried).into()).or_default() += 1;
        match outcome {
            Outcome::Refused(_) if is_tried => refused += 1,
            Outcome::Dead(_) if is_tried => dead += 1,
            _ => {}
        }
    }
    for (source, events) in taken {
        metrics::taken(source, events);
    }
    metrics::failed_again("refused", refused);
    metrics::failed_again("dead", dead);
    if refused + dead > 0 {
        tracing::warn!(
            refused,
            dead,
            "events that were tried again have failed again: see `commissary dlq groups --again`"
        );
    }
}

fn source(event: &Event, is_tried: bool) -> Source {
    match event.dialect {
        _ if is_tried => Source::Replay,
        Dialect::Internal => Source::Due,
        // A call has an id, and a line of a file has none.
        Dialect::Native if event.request_id.is_none() => Source::Import,
        _ => Source::Queued,
    }
}

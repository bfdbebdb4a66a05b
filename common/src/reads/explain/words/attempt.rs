//! An event that named the order and had no effect.

use super::{attribution::attribution, phrases::time};
use crate::{
    domain::EventStatus,
    reads::explain::explanation::{Attempt, Chapter},
};

pub(super) fn attempt(attempt: &Attempt) -> Chapter {
    let mut lines = vec![format!(
        "received {}, {}",
        time(attempt.received_at),
        if attempt.authenticated {
            "signed"
        } else {
            "not signed"
        }
    )];
    lines.extend(attempt.detail.iter().cloned());
    lines.extend(attempt.warnings.iter().cloned());
    if let Some(trace) = &attempt.trace {
        lines.extend(attribution(trace));
    }
    lines.extend(
        attempt
            .first
            .iter()
            .map(|first| format!("it repeats event {first}")),
    );
    if let Some(due) = attempt.due_at {
        lines.push(format!("waits for the order until {}", time(due)));
    }
    Chapter {
        title: format!(
            "Event {}, {} as {}, {}",
            attempt.event,
            attempt.kind,
            attempt.dialect,
            what_became(attempt)
        ),
        lines,
    }
}

pub(super) fn what_became(attempt: &Attempt) -> String {
    let reason = attempt.reason.as_deref();
    let reason = reason.map_or_else(String::new, |reason| format!(": {reason}"));
    match attempt.status {
        EventStatus::Refused => format!("was refused{reason}"),
        EventStatus::Dead => format!("could not be applied{reason}"),
        EventStatus::Parked => "waits for its order".to_owned(),
        EventStatus::Applied | EventStatus::Queued | EventStatus::Discarded => {
            format!("is {}{reason}", attempt.status.name())
        }
    }
}

//! Which events of a batch nobody keeps from being applied.

use std::collections::HashSet;

use crate::domain::Incoming;

/// Parts events from those that must wait: of whose keys one is `busy`, or one that an earlier one waits with has. `keys` are those of
/// each event.
pub(super) fn part(
    events: Vec<Incoming>,
    keys: &[Vec<i64>],
    busy: Vec<i64>,
) -> (Vec<Incoming>, Vec<Incoming>) {
    if busy.is_empty() {
        return (events, Vec::new());
    }
    let mut busy: HashSet<i64> = busy.into_iter().collect();
    let (mut free, mut left) = (Vec::with_capacity(events.len()), Vec::new());
    for (event, keys) in events.into_iter().zip(keys) {
        if keys.iter().any(|key| busy.contains(key)) {
            // What comes later about the same must not pass it.
            busy.extend(keys);
            left.push(event);
        } else {
            free.push(event);
        }
    }
    (free, left)
}

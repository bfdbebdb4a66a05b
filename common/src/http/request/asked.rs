//! For tests: which fields a parser asks for, so that they can be compared with those that are described.

use std::{cell::RefCell, collections::BTreeSet};

thread_local! {
    static ASKED: RefCell<BTreeSet<String>> = const { RefCell::new(BTreeSet::new()) };
}

/// A field was asked for. `prefix` are the names of the objects around it; entries of a list are all alike.
pub(super) fn note(prefix: &str, name: &str) {
    let objects: String = prefix
        .chars()
        .filter(|character| !character.is_ascii_digit())
        .collect();
    ASKED.with_borrow_mut(|asked| asked.insert(objects + name));
}

/// Forgets and gives what was asked for on this thread until now: `order_id`, `customer.email`, `commissions[].amount`.
pub fn asked() -> BTreeSet<String> {
    ASKED.take()
}

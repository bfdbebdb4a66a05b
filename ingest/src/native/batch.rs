//! The lines of one request, and in which order they may be decided.

use std::collections::HashSet;

use common::domain::{Event, Identity};

use common::http::request::Invalid;

/// Lines of one request, at most; blank ones do not count.
pub const MAX_LINES: usize = 1_000;
/// Bytes of one request, at most.
pub const MAX_BATCH_BYTES: usize = 1024 * 1024;

/// The lines that are not blank, with their numbers from 1.
///
/// # Errors
/// When there are none, or too many.
pub(super) fn lines(body: &str) -> Result<Vec<(usize, &str)>, Invalid> {
    let lines: Vec<_> = (1..)
        .zip(body.split('\n'))
        .map(|(number, line)| (number, line.trim_ascii()))
        .filter(|(_, line)| !line.is_empty())
        .collect();
    if lines.is_empty() {
        return Err(Invalid::new("the request body has no lines"));
    }
    if lines.len() > MAX_LINES {
        return Err(Invalid::new(format!("there are more than {MAX_LINES} lines")));
    }
    Ok(lines)
}

/// Finds the lines that build on an earlier one: they name the same order or customer. Workers beside each other could
/// decide a refund before its sale, so these go out when the others are decided.
#[derive(Default)]
pub(super) struct Mentioned {
    orders: HashSet<String>,
    customers: HashSet<Identity>,
}

impl Mentioned {
    /// Whether `event` names what an earlier one did. Remembers what it names.
    pub(super) fn builds_on_earlier(&mut self, event: &Event) -> bool {
        let mut builds = false;
        let needs = event.needs();
        if let Some(order) = needs.order {
            builds |= !self.orders.insert(order.to_owned());
        }
        for customer in needs.customers {
            builds |= !self.customers.insert(customer);
        }
        builds
    }
}

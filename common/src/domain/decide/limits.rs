//! The limits of a program on what one customer brings: so many conversions, or so many days since the first sale.

use chrono::{DateTime, TimeDelta, Utc};

use crate::domain::{catalog::Program, entities::Customer, trace::Cap};

/// Where a customer stands with the program's limits; `None` where it has none.
pub(super) fn cap(customer: Option<&Customer>, program: &Program, at: DateTime<Utc>) -> Option<Cap> {
    if program.recurring_cap.is_none() && program.recurring_period_days.is_none() {
        return None;
    }
    let counted = customer.map_or(0, |customer| customer.counted_towards_cap);
    let since = customer
        .and_then(|customer| customer.first_sale_at)
        .map(|first| at - first);
    let days_reached = program
        .recurring_period_days
        .is_some_and(|limit| since.is_some_and(|since| since > TimeDelta::days(i64::from(limit))));
    let count_reached = program
        .recurring_cap
        .is_some_and(|limit| counted >= i64::from(limit));
    Some(Cap {
        counted_before: counted,
        limit: program.recurring_cap,
        days: since.map(|since| since.num_days()),
        limit_days: program.recurring_period_days,
        reached: days_reached || count_reached,
    })
}

/// Whether the customer is beyond a limit of the program at `at`.
pub(super) fn is_beyond_limits(customer: &Customer, program: &Program, at: DateTime<Utc>) -> bool {
    cap(Some(customer), program, at).is_some_and(|cap| cap.reached)
}

/// Whether nothing more counts after what has been counted.
pub(super) fn is_cap_used_up(customer: &Customer, program: &Program) -> bool {
    program
        .recurring_cap
        .is_some_and(|limit| customer.counted_towards_cap >= i64::from(limit))
}

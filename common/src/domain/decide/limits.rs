//! The limits of a program on what one customer brings: so many conversions, or so many days since the first sale.

use chrono::{DateTime, TimeDelta, Utc};

use crate::domain::{
    catalog::{Program, Terms},
    entities::Customer,
    trace::Cap,
};

/// Where a customer stands at `at` with the limits that the program has then; `None` where it has none.
pub(super) fn cap(customer: Option<&Customer>, program: &Program, at: DateTime<Utc>) -> Option<Cap> {
    cap_by(customer, program.terms_at(at), at)
}

fn cap_by(customer: Option<&Customer>, terms: &Terms, at: DateTime<Utc>) -> Option<Cap> {
    if terms.recurring_cap.is_none() && terms.recurring_period_days.is_none() {
        return None;
    }
    let counted = customer.map_or(0, |customer| customer.counted_towards_cap);
    let since = customer
        .and_then(|customer| customer.first_sale_at)
        .map(|first| at - first);
    let days_reached = terms
        .recurring_period_days
        .is_some_and(|limit| since.is_some_and(|since| since > TimeDelta::days(i64::from(limit))));
    let count_reached = terms
        .recurring_cap
        .is_some_and(|limit| counted >= i64::from(limit));
    Some(Cap {
        counted_before: counted,
        limit: terms.recurring_cap,
        days: since.map(|since| since.num_days()),
        limit_days: terms.recurring_period_days,
        reached: days_reached || count_reached,
    })
}

/// Whether the customer is beyond a limit of the program at `at`.
pub(super) fn is_beyond_limits(customer: &Customer, program: &Program, at: DateTime<Utc>) -> bool {
    cap(Some(customer), program, at).is_some_and(|cap| cap.reached)
}

/// Whether a customer with a sale of `at` is beyond the limits that the program has at `seen`: what a customer is called is
/// about the present, whatever held when the sale was made.
pub(super) fn is_capped_by(
    customer: &Customer,
    program: &Program,
    seen: DateTime<Utc>,
    at: DateTime<Utc>,
) -> bool {
    cap_by(Some(customer), program.terms_at(seen), at).is_some_and(|cap| cap.reached)
}

/// Whether nothing more counts at `at` after what has been counted.
pub(super) fn is_cap_used_up(customer: &Customer, program: &Program, at: DateTime<Utc>) -> bool {
    program
        .terms_at(at)
        .recurring_cap
        .is_some_and(|limit| customer.counted_towards_cap >= i64::from(limit))
}

//! The limits of a program on what one customer brings: so many conversions, or so many days since the first sale, of those
//! in this program.

use chrono::{DateTime, TimeDelta, Utc};

use crate::domain::{
    catalog::{Program, Terms},
    entities::Standing,
    trace::Cap,
};

/// Where a customer stands at `at` with the limits that the program has then; `None` where it has none. `standing` is the
/// customer's in that program, if it has been there.
pub(super) fn cap(standing: Option<&Standing>, program: &Program, at: DateTime<Utc>) -> Option<Cap> {
    cap_by(standing, program.terms_at(at), at)
}

fn cap_by(standing: Option<&Standing>, terms: &Terms, at: DateTime<Utc>) -> Option<Cap> {
    if terms.recurring_cap.is_none() && terms.recurring_period_days.is_none() {
        return None;
    }
    let counted = standing.map_or(0, |standing| standing.counted_towards_cap);
    let since = standing
        .and_then(|standing| standing.first_sale_at)
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
pub(super) fn is_beyond_limits(standing: &Standing, program: &Program, at: DateTime<Utc>) -> bool {
    cap(Some(standing), program, at).is_some_and(|cap| cap.reached)
}

/// Whether a customer with a sale of `at` is beyond the limits that the program has at `seen`: what a customer is called is
/// about the present, whatever held when the sale was made.
pub(super) fn is_capped_by(
    standing: &Standing,
    program: &Program,
    seen: DateTime<Utc>,
    at: DateTime<Utc>,
) -> bool {
    cap_by(Some(standing), program.terms_at(seen), at).is_some_and(|cap| cap.reached)
}

/// Whether nothing more counts at `at` after what has been counted.
pub(super) fn is_cap_used_up(standing: &Standing, program: &Program, at: DateTime<Utc>) -> bool {
    program
        .terms_at(at)
        .recurring_cap
        .is_some_and(|limit| standing.counted_towards_cap >= i64::from(limit))
}

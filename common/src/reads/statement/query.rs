//! Whose statement is asked for, and how long one may be.

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};

use crate::domain::Currency;

/// Movements of one statement, at most: they are held in memory.
pub const MAX_ENTRIES: usize = 100_000;
/// Organisations that an error names.
pub(super) const MAX_NAMED_ORGS: usize = 10;

/// Whose money, and when. What is not given does not restrict.
#[derive(Clone, Copy, Debug, Default)]
pub struct Query<'a> {
    /// Its slug.
    pub affiliate: &'a str,
    /// Its slug. May be missing where one organisation only has an affiliate of that name.
    pub org: Option<&'a str>,
    pub currency: Option<Currency>,
    /// First day, in UTC.
    pub from: Option<NaiveDate>,
    /// Last day, in UTC, inclusive.
    pub to: Option<NaiveDate>,
}

impl Query<'_> {
    /// The first moment of the period.
    pub(super) fn since(&self) -> Option<DateTime<Utc>> {
        self.from.map(midnight)
    }

    /// The first moment after the period. After the last day that there is comes nothing.
    pub(super) fn until(&self) -> Option<DateTime<Utc>> {
        self.to.and_then(|day| day.succ_opt()).map(midnight)
    }
}

fn midnight(day: NaiveDate) -> DateTime<Utc> {
    day.and_time(NaiveTime::MIN).and_utc()
}

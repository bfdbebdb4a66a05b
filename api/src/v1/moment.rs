//! A day or a time as a parameter.

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use serde::{Deserialize, Deserializer, de::Error as _};

/// A day in UTC, from its beginning, or an RFC 3339 time.
pub(super) fn moment<'de, D: Deserializer<'de>>(value: D) -> Result<Option<DateTime<Utc>>, D::Error> {
    let text = String::deserialize(value)?;
    let day = || {
        let day = NaiveDate::parse_from_str(&text, "%Y-%m-%d").ok()?;
        Some(day.and_time(NaiveTime::MIN).and_utc())
    };
    let time = DateTime::parse_from_rfc3339(&text).ok();
    time.map(|time| time.to_utc())
        .or_else(day)
        .map(Some)
        .ok_or_else(|| {
            D::Error::custom("must be a date such as 2026-01-31 or a time such as 2026-01-31T12:00:00Z")
        })
}

//! The time of a sale as a number of seconds or milliseconds.

use chrono::{DateTime, TimeDelta, Utc};
use rust_decimal::{Decimal, prelude::ToPrimitive};

/// Times further ahead are mistakes.
pub const MAX_AHEAD: TimeDelta = TimeDelta::days(1);
/// Times before (2000-01-01) are mistakes too: a 0 or a count of days.
pub const EARLIEST_TIME: DateTime<Utc> = match DateTime::from_timestamp(946_684_800, 0) {
    Some(time) => time,
    None => DateTime::<Utc>::MIN_UTC,
};

/// Numbers of more digits are milliseconds (seed: Yaplet).
const LARGEST_SECONDS: i64 = 9_999_999_999;

/// # Errors
/// What is wrong, to be put behind the name of the field.
pub(super) fn timestamp(value: Decimal, now: DateTime<Utc>) -> Result<DateTime<Utc>, &'static str> {
    let whole = value.trunc().to_i64().ok_or("is out of range")?;
    let millis = if whole <= LARGEST_SECONDS {
        // Some clients send seconds with a fraction.
        let millis = value.checked_mul(Decimal::ONE_THOUSAND);
        millis.and_then(|millis| millis.trunc().to_i64())
    } else {
        Some(whole)
    };
    let time = millis
        .and_then(DateTime::from_timestamp_millis)
        .ok_or("is out of range")?;
    if time > now + MAX_AHEAD {
        return Err("is more than a day in the future");
    }
    if time < EARLIEST_TIME {
        return Err("is before the year 2000");
    }
    Ok(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_digits_are_seconds_and_more_are_milliseconds() {
        let now = DateTime::from_timestamp(1_795_000_000, 0).unwrap();
        let read = |text: &str| timestamp(text.parse().unwrap(), now).map(|time| time.timestamp_millis());
        assert_eq!(read("1640995200"), Ok(1_640_995_200_000));
        assert_eq!(read("1640995200000"), Ok(1_640_995_200_000));
        assert_eq!(read("1640995200.25"), Ok(1_640_995_200_250));
        assert_eq!(read("999999999999"), Ok(999_999_999_999), "12 digits: 2001");
        assert_eq!(read("1795086400"), Ok(1_795_086_400_000), "a day ahead");
        assert_eq!(read("1795086401"), Err("is more than a day in the future"));
        assert_eq!(read("9999999999"), Err("is more than a day in the future"));
        assert_eq!(read("99999999999999"), Err("is more than a day in the future"));
        assert_eq!(read("946684800"), Ok(946_684_800_000));
        assert_eq!(read("946684799"), Err("is before the year 2000"));
        assert_eq!(read("0"), Err("is before the year 2000"));
        assert_eq!(read("-1640995200"), Err("is before the year 2000"));
        assert_eq!(read("99999999999999999999"), Err("is out of range"));
    }
}

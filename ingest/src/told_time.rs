//! When a sale or a change was, where the sender tells: as a number, as all dialects read it, or as a date with or without a time,
//! as spreadsheets and exports write it (ISO 8601). What no offset says is said by the caller's time zone.

use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime, Utc};
use common::db::keys::Timezone;
use serde_json::Value;

use common::http::request::{EARLIEST_TIME, Fields, Invalid, MAX_AHEAD, MAX_ID};

const TIMESTAMP: &str = "timestamp";

const EXPECTED: &str = "must be a date or time as of ISO 8601, such as 2026-11-29 or 2026-11-29T10:00:00+01:00, or seconds or \
                        milliseconds since 1970";
/// Of a date and a time, without the offset. A comma before the fraction has become a point.
const FORMATS: [&str; 4] = [
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y-%m-%dT%H:%M",
    "%Y%m%dT%H%M%S%.f",
    "%Y%m%dT%H%M",
];

/// The field `timestamp`, if it is there.
///
/// # Errors
/// When it is no time, or none that makes sense at `now`.
pub(crate) fn timestamp(
    fields: &Fields,
    now: DateTime<Utc>,
    timezone: Timezone,
) -> Result<Option<DateTime<Utc>>, Invalid> {
    let text = match fields.value(TIMESTAMP)? {
        Some(Value::String(_)) => fields.text(TIMESTAMP, MAX_ID)?,
        _ => return fields.timestamp(TIMESTAMP, now),
    };
    let Some(text) = text else {
        return Ok(None);
    };
    if is_number(&text) {
        return fields.timestamp(TIMESTAMP, now);
    }
    let time = parse(&text, timezone).map_err(|wrong| fields.wrong(TIMESTAMP, wrong))?;
    if time > now + MAX_AHEAD {
        return Err(fields.wrong(TIMESTAMP, "is more than a day in the future"));
    }
    if time < EARLIEST_TIME {
        return Err(fields.wrong(TIMESTAMP, "is before the year 2000"));
    }
    Ok(Some(time))
}

fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
}

fn parse(text: &str, timezone: Timezone) -> Result<DateTime<Utc>, &'static str> {
    if let Ok(day) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
        return Ok(timezone.start_of(day));
    }
    // Java adds the zone's name to the offset, which says it all.
    let text = text.split_once('[').map_or(text, |(time, _zone)| time);
    let (local, offset) = split_offset(text).ok_or(EXPECTED)?;
    let local = local
        .to_ascii_uppercase()
        .replacen(' ', "T", 1)
        .replacen(',', ".", 1);
    let parsed = FORMATS
        .iter()
        .find_map(|format| NaiveDateTime::parse_from_str(&local, format).ok());
    let local = parsed.ok_or(EXPECTED)?;
    match offset {
        Some(offset) => {
            let time = local.and_local_timezone(offset).single();
            time.map(|time| time.with_timezone(&Utc)).ok_or(EXPECTED)
        }
        None => timezone
            .moment(local)
            .ok_or("is a time that the clocks of the time zone leave out"),
    }
}

/// The date with its time, and the offset behind it. `None` when what is there is no offset.
fn split_offset(text: &str) -> Option<(&str, Option<FixedOffset>)> {
    for utc in ["Z", "z", " UTC", " GMT"] {
        if let Some(local) = text.strip_suffix(utc) {
            return Some((local.trim_end(), FixedOffset::east_opt(0)));
        }
    }
    let time = text.find(['T', 't', ' '])?;
    let (head, tail) = text.split_at(time);
    let Some(sign) = tail.rfind(['+', '-']) else {
        return Some((text, None));
    };
    let (time, offset) = tail.split_at(sign);
    let digits = offset.replacen(':', "", 1);
    let (sign, digits) = digits.split_at(1);
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (hours, minutes) = match digits.len() {
        2 => (digits, "0"),
        4 => digits.split_at(2),
        _ => return None,
    };
    let (hours, minutes): (i32, i32) = (hours.parse().ok()?, minutes.parse().ok()?);
    let seconds = (hours * 60 + minutes) * 60;
    let offset = FixedOffset::east_opt(if sign == "-" { -seconds } else { seconds })?;
    let local = head.len() + time.trim_end().len();
    (minutes < 60).then_some((text.get(..local)?, Some(offset)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(value: &Value, timezone: &str) -> Result<Option<String>, String> {
        let now = DateTime::from_timestamp(1_795_950_000, 0).unwrap(); // 2026-11-29T11:00:00Z
        let sent = json!({ TIMESTAMP: value });
        let fields = Fields::new(sent.as_object().unwrap().clone()).unwrap();
        let time = timestamp(&fields, now, timezone.parse().unwrap());
        time.map(|time| time.map(|time| time.to_rfc3339()))
            .map_err(|invalid| invalid.0)
    }

    #[test]
    fn dates_and_times_are_read_in_all_clothes() {
        for (text, want) in [
            ("2026-11-29", "2026-11-28T23:00:00+00:00"),
            ("2026-11-29T10:00:00+01:00", "2026-11-29T09:00:00+00:00"),
            ("2026-11-29T10:00:00Z", "2026-11-29T10:00:00+00:00"),
            ("2026-11-29t10:00:00z", "2026-11-29T10:00:00+00:00"),
            // Shopify, Postgres, BigQuery, Java.
            ("2026-11-29 10:00:00 +0100", "2026-11-29T09:00:00+00:00"),
            ("2026-11-29 10:00:00.25+01", "2026-11-29T09:00:00.250+00:00"),
            ("2026-11-29 10:00:00 UTC", "2026-11-29T10:00:00+00:00"),
            (
                "2026-11-29T10:00+01:00[Europe/Berlin]",
                "2026-11-29T09:00:00+00:00",
            ),
            ("2026-11-28T23:30:00-05:30", "2026-11-29T05:00:00+00:00"),
            ("20261129T100000Z", "2026-11-29T10:00:00+00:00"),
            ("20261129T1000-0200", "2026-11-29T12:00:00+00:00"),
            // In the zone that was told: WooCommerce, MySQL.
            ("2026-11-29 10:00:00", "2026-11-29T09:00:00+00:00"),
            ("2026-07-01T10:00", "2026-07-01T08:00:00+00:00"),
            ("2026-07-01 10:00:00,123", "2026-07-01T08:00:00.123+00:00"),
            ("2026-10-25 02:30:00", "2026-10-25T00:30:00+00:00"),
            ("1640995200", "2022-01-01T00:00:00+00:00"),
            ("1640995200000", "2022-01-01T00:00:00+00:00"),
        ] {
            assert_eq!(
                read(&text.into(), "Europe/Berlin"),
                Ok(Some(want.to_owned())),
                "{text}"
            );
        }
        let utc = Ok(Some("2026-11-29T00:00:00+00:00".to_owned()));
        assert_eq!(read(&"2026-11-29".into(), "UTC"), utc);
        let number = Ok(Some("2022-01-01T00:00:00+00:00".to_owned()));
        assert_eq!(read(&json!(1_640_995_200), "UTC"), number);
        assert_eq!(read(&json!(null), "UTC"), Ok(None));
        assert_eq!(read(&json!(" "), "UTC"), Ok(None));
    }

    #[test]
    fn what_is_no_time_is_told() {
        for (text, want) in [
            ("11/29/2026", "must be a date or time as of ISO 8601"),
            ("29.11.2026 10:00", "must be a date"),
            ("2026-02-30", "must be a date"),
            ("2026-11-29 25:00:00", "must be a date"),
            ("2026-11-29 10:00 AM", "must be a date"),
            ("2026-11-29T10:00:00+25:00", "must be a date"),
            ("2026-11-29T10:00:00+01:75", "must be a date"),
            ("2026-11-29T10:00:00 CET", "must be a date"),
            ("2026-11-29T", "must be a date"),
            ("10:00:00", "must be a date"),
            ("yesterday", "must be a date"),
            // As a spreadsheet shortens 1795171234567: the sale would be hours away.
            ("1.79517E+12", "must be a date"),
            (
                "2026-03-29 02:30:00",
                "that the clocks of the time zone leave out",
            ),
            ("1999-12-31", "is before the year 2000"),
            ("2026-12-01", "is more than a day in the future"),
            ("46355.4", "is before the year 2000"),
        ] {
            let error = read(&text.into(), "Europe/Berlin").unwrap_err();
            assert!(
                error.starts_with("timestamp ") && error.contains(want),
                "{text}: {error}"
            );
        }
        assert!(read(&json!(true), "UTC").is_err());
    }
}

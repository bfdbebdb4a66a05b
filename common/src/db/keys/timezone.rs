//! The time zone in which the owner of a key counts days.

use std::{fmt, str::FromStr};

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone as _, Utc};
use chrono_tz::Tz;
use serde::{Serialize, Serializer};

/// Midnight falls into the gap of a clock that is put forward; after this long it is over everywhere.
const LONGEST_GAP_HOURS: i64 = 24;

/// An IANA time zone; UTC by default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timezone(Tz);

#[derive(Debug, thiserror::Error)]
#[error("{0:?} is no time zone such as Europe/Amsterdam or UTC")]
pub struct UnknownTimezone(String);

impl Timezone {
    pub fn name(self) -> &'static str {
        self.0.name()
    }

    /// When `day` begins there: the first moment of it, where the clock is put forward or back at midnight.
    pub fn start_of(self, day: NaiveDate) -> DateTime<Utc> {
        let midnight = day.and_time(NaiveTime::MIN);
        let first = (0..=LONGEST_GAP_HOURS * 4).find_map(|quarters| {
            let local = midnight.checked_add_signed(TimeDelta::minutes(15 * quarters))?;
            self.0.from_local_datetime(&local).earliest()
        });
        first.map_or_else(|| midnight.and_utc(), |first| first.with_timezone(&Utc))
    }

    /// The moment at which clocks there show `local`: the first of two, where they are put back; `None` where they are put
    /// forward over it.
    pub fn moment(self, local: NaiveDateTime) -> Option<DateTime<Utc>> {
        let found = self.0.from_local_datetime(&local).earliest();
        found.map(|found| found.with_timezone(&Utc))
    }
}

impl Default for Timezone {
    fn default() -> Self {
        Self(Tz::UTC)
    }
}

impl FromStr for Timezone {
    type Err = UnknownTimezone;

    fn from_str(name: &str) -> Result<Self, UnknownTimezone> {
        name.parse()
            .map(Self)
            .map_err(|_unknown| UnknownTimezone(name.to_owned()))
    }
}

impl fmt::Display for Timezone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for Timezone {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_begins_where_its_zone_says() {
        for (zone, day, want) in [
            ("UTC", "2026-01-31", "2026-01-31T00:00:00+00:00"),
            ("Europe/Amsterdam", "2026-01-31", "2026-01-30T23:00:00+00:00"),
            ("Europe/Amsterdam", "2026-07-31", "2026-07-30T22:00:00+00:00"),
            ("America/New_York", "2026-01-31", "2026-01-31T05:00:00+00:00"),
            // No midnight: the clock goes from 24:00 to 1:00.
            ("America/Santiago", "2024-09-08", "2024-09-08T04:00:00+00:00"),
            // Midnight twice: the day begins with the first.
            ("America/Havana", "2024-11-03", "2024-11-03T04:00:00+00:00"),
            // A day that was left out.
            ("Pacific/Apia", "2011-12-30", "2011-12-30T10:00:00+00:00"),
        ] {
            let zone: Timezone = zone.parse().unwrap();
            assert_eq!(
                zone.start_of(day.parse().unwrap()).to_rfc3339(),
                want,
                "{zone} {day}"
            );
        }
    }

    #[test]
    fn clocks_show_a_time_once_twice_or_never() {
        let zone: Timezone = "Europe/Berlin".parse().unwrap();
        for (local, want) in [
            ("2026-07-01T12:00:00", Some("2026-07-01T10:00:00+00:00")),
            ("2026-10-25T02:30:00", Some("2026-10-25T00:30:00+00:00")),
            ("2026-03-29T02:30:00", None),
        ] {
            let moment = zone.moment(local.parse().unwrap());
            assert_eq!(
                moment.map(|moment| moment.to_rfc3339()).as_deref(),
                want,
                "{local}"
            );
        }
    }

    #[test]
    fn extreme_days_begin() {
        for zone in ["Pacific/Kiritimati", "Pacific/Niue"] {
            let zone: Timezone = zone.parse().unwrap();
            for day in ["0001-01-01", "9999-12-31"] {
                zone.start_of(day.parse().unwrap());
            }
        }
    }

    #[test]
    fn unknown_zones_are_named() {
        let error = "Mars/Olympus".parse::<Timezone>().unwrap_err();
        assert!(error.to_string().contains("Mars/Olympus"));
        assert_eq!(Timezone::default().name(), "UTC");
    }
}

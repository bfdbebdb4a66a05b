//! Arguments that say which events are meant.

use std::str::FromStr;

use anyhow::{Context, bail};
use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};
use common::{
    db::{Connection, orgs},
    domain::{Dialect, EventId, EventKind, EventStatus, Reason},
    ops::Filter,
};
use strum::VariantNames;
use uuid::Uuid;

/// The filters that all commands about events share.
#[derive(Debug, clap::Args)]
pub(super) struct FilterArgs {
    /// Only events of this organisation, by its slug.
    #[arg(long, value_name = "SLUG")]
    org: Option<String>,

    /// Only this reason of a refusal (such as unknown_partner) or this code of a dead event (such as undecodable, or a SQLSTATE);
    /// an unknown one is answered with all there are.
    #[arg(long, value_name = "CODE", value_parser = code)]
    code: Option<String>,

    /// Only events that failed alike: the eight characters or the whole text that `groups` shows.
    #[arg(long, value_name = "FINGERPRINT")]
    fingerprint: Option<String>,

    /// Only events that were tried more than once: replays that failed again.
    #[arg(long)]
    again: bool,

    /// Only events of this wire format, such as yaplet or postback.
    #[arg(long, value_name = "DIALECT", value_parser = one_of::<Dialect>)]
    dialect: Option<Dialect>,

    /// Only this kind, such as create_conversion or click; an unknown one is answered with all there are.
    #[arg(long, value_name = "KIND", value_parser = one_of::<EventKind>)]
    kind: Option<EventKind>,

    /// Only events about the order with this external id.
    #[arg(long, value_name = "ID")]
    order: Option<String>,

    /// Only events that name this customer, by the merchant's id or by e-mail address.
    #[arg(long, value_name = "ID")]
    customer: Option<String>,

    /// Only events that have this text somewhere in their body, or in the bytes that could not be decoded.
    #[arg(long, value_name = "TEXT")]
    text: Option<String>,

    /// Received from then on: a date, an RFC 3339 time, or how long ago, such as 90m or 2days.
    #[arg(long, value_name = "WHEN", value_parser = when)]
    from: Option<When>,

    /// Received before then: as --from; a date ends where the day begins.
    #[arg(long, value_name = "WHEN", value_parser = when)]
    to: Option<When>,
}

impl FilterArgs {
    /// Whether any was given.
    pub(super) fn restricts(&self) -> bool {
        self.org.is_some()
            || self.code.is_some()
            || self.kind.is_some()
            || self.order.is_some()
            || self.fingerprint.is_some()
            || self.again
            || self.dialect.is_some()
            || self.customer.is_some()
            || self.text.is_some()
            || self.from.is_some()
            || self.to.is_some()
    }

    /// The code is one of a refusal, or what failed alike or again is asked for: refused events are meant, too.
    pub(super) fn names_a_refusal(&self) -> bool {
        let code = self.code.as_deref();
        code.is_some_and(|code| code.parse::<Reason>().is_ok()) || self.fingerprint.is_some() || self.again
    }

    pub(super) async fn filter(
        self,
        conn: &mut Connection,
        statuses: Vec<EventStatus>,
        now: DateTime<Utc>,
    ) -> anyhow::Result<Filter> {
        let org = match &self.org {
            None => None,
            Some(slug) => Some(
                orgs::by_slug(conn, slug)
                    .await?
                    .with_context(|| format!("there is no organisation {slug:?}"))?,
            ),
        };
        let (from, until) = (
            self.from.map(|when| when.at(now)),
            self.to.map(|when| when.at(now)),
        );
        if let (Some(from), Some(until)) = (from, until)
            && from >= until
        {
            bail!("--from {from} is not before --to {until}");
        }
        Ok(Filter {
            org,
            statuses,
            code: self.code,
            kind: self.kind,
            order: self.order,
            dialect: self.dialect,
            fingerprint: self.fingerprint,
            again: self.again,
            customer: self.customer,
            text: self.text,
            from,
            until,
            before: None,
            duplicates: false,
        })
    }
}

/// A point in time, or how long it is ago.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum When {
    At(DateTime<Utc>),
    Ago(TimeDelta),
}

impl When {
    pub(super) fn at(self, now: DateTime<Utc>) -> DateTime<Utc> {
        match self {
            Self::At(at) => at,
            Self::Ago(long) => now.checked_sub_signed(long).unwrap_or(DateTime::UNIX_EPOCH),
        }
    }
}

pub(super) fn when(text: &str) -> Result<When, String> {
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Ok(When::At(at.to_utc()));
    }
    if let Ok(day) = text.parse::<NaiveDate>() {
        return Ok(When::At(day.and_time(NaiveTime::MIN).and_utc()));
    }
    humantime::parse_duration(text)
        .ok()
        .and_then(|long| TimeDelta::from_std(long).ok())
        .map(When::Ago)
        .ok_or_else(|| {
            "neither a date (2026-11-20), an RFC 3339 time (2026-11-20T08:30:00Z) nor how long ago (90m, 2days)".to_owned()
        })
}

/// The value of a closed list that `text` names.
pub(super) fn one_of<T: FromStr + VariantNames>(text: &str) -> Result<T, String> {
    text.parse()
        .map_err(|_unknown| format!("one of {}", T::VARIANTS.join(", ")))
}

/// Codes of dead events that are ours; the others are SQLSTATEs.
const CODES: [&str; 7] = [
    "undecodable",
    "panic",
    "crash_loop",
    "too_old",
    "missing_parent",
    "ids_exhausted",
    "database",
];

/// The reason of a refusal or the code of a dead event that `text` is.
pub(super) fn code(text: &str) -> Result<String, String> {
    let is_state = |c: char| c.is_ascii_digit() || c.is_ascii_uppercase();
    let is_sqlstate = text.len() == 5 && text.chars().all(is_state);
    if is_sqlstate || CODES.contains(&text) || text.parse::<Reason>().is_ok() {
        return Ok(text.to_owned());
    }
    Err(format!(
        "neither a reason of a refusal ({}) nor a code of a dead event ({}, or a SQLSTATE such as 22003)",
        Reason::VARIANTS.join(", "),
        CODES.join(", ")
    ))
}

pub(super) fn event_id(text: &str) -> Result<EventId, String> {
    text.parse::<Uuid>()
        .map(EventId)
        .map_err(|error| format!("not an event id: {error}"))
}

#[cfg(test)]
mod tests {
    use strum::IntoEnumIterator as _;

    use super::*;

    #[test]
    fn times_are_said_in_three_ways() {
        let now = DateTime::from_timestamp(1_795_176_000, 0).unwrap();
        for (text, want) in [
            ("2026-11-20", "2026-11-20T00:00:00+00:00"),
            ("2026-11-20T10:00:00+02:00", "2026-11-20T08:00:00+00:00"),
            ("90m", "2026-11-20T10:30:00+00:00"),
            ("2days", "2026-11-18T12:00:00+00:00"),
        ] {
            assert_eq!(when(text).unwrap().at(now).to_rfc3339(), want, "{text}");
        }
        assert!(when("yesterday").is_err());
    }

    #[test]
    fn names_are_checked() {
        for kind in EventKind::iter() {
            assert_eq!(one_of(kind.name()), Ok(kind));
        }
        let unknown = one_of::<EventKind>("refunds").unwrap_err();
        assert!(unknown.contains("update_conversion, refund, ") && unknown.contains(", click, "));
        assert_eq!(one_of("dead"), Ok(EventStatus::Dead));
        let unknown = one_of::<EventStatus>("broken").unwrap_err();
        assert_eq!(
            unknown,
            "one of applied, refused, parked, queued, dead, discarded"
        );
        assert!(event_id("17").is_err());
        for known in ["unknown_partner", "undecodable", "22003", "P0001"] {
            assert_eq!(code(known).as_deref(), Ok(known));
        }
        let unknown = code("unknown_parter").unwrap_err();
        assert!(
            unknown.contains("unknown_partner, ") && unknown.contains("crash_loop"),
            "{unknown}"
        );
        assert!(code("p0001").is_err() && code("").is_err());
    }
}

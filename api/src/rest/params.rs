//! The query of a list: what is unknown is ignored, what is empty counts as not given, what is malformed is a 400.
//!
//! A list describes its parameters as the fields of a struct; each says by one of the functions here what it may be.
//! What [`NAMES_ONE`] is no restriction that could be left out: empty, it names nothing.

use std::fmt;

use axum::{
    extract::FromRequestParts,
    http::{Uri, request::Parts},
};
use chrono::{DateTime, Datelike, Days, NaiveDate, Utc};
use common::db::keys::Timezone;
use percent_encoding::percent_decode_str;
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, DeserializeSeed, Error as _, IntoDeserializer, MapAccess, Visitor},
    forward_to_deserialize_any,
};

use crate::Problem;

const MALFORMED: &str = "the query is malformed or repeats a parameter";
/// Who asks for one thing whose name is empty asks for nothing, and would take a list of everything for a yes.
const NAMES_ONE: [&str; 5] = ["external_id", "customer_id", "click_id", "email", "referral_code"];

/// The parameters of a request, as the fields of `F`.
#[derive(Debug)]
pub(crate) struct Params<F>(pub(crate) F);

impl<S: Sync, F: DeserializeOwned> FromRequestParts<S> for Params<F> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        read(&parts.uri).map(Self)
    }
}

/// The parameters in the query of `uri` that are fields of `F`.
///
/// # Errors
/// 400 with the name of what is malformed.
pub(crate) fn read<F: DeserializeOwned>(uri: &Uri) -> Result<F, Problem> {
    let pairs = Pairs::of(uri.query().unwrap_or_default());
    F::deserialize(&pairs).map_err(|Malformed(message)| Problem::bad_request(message))
}

/// Text that Postgres can store.
pub(crate) fn text<'de, D: Deserializer<'de>>(value: D) -> Result<Option<String>, D::Error> {
    let text = String::deserialize(value)?;
    if is_storable(&text) {
        Ok(Some(text))
    } else {
        Err(D::Error::custom("must not contain NUL"))
    }
}

/// `true` or `1`, `false` or `0`.
pub(crate) fn flag<'de, D: Deserializer<'de>>(value: D) -> Result<Option<bool>, D::Error> {
    match String::deserialize(value)?.to_ascii_lowercase().as_str() {
        "0" | "false" => Ok(Some(false)),
        "1" | "true" => Ok(Some(true)),
        _ => Err(D::Error::custom("must be true or false")),
    }
}

/// Exactly `YYYY-MM-DD` of the years 1 to 9999: others are no days to Postgres.
pub(crate) fn day<'de, D: Deserializer<'de>>(value: D) -> Result<Option<NaiveDate>, D::Error> {
    let day = day_of(&String::deserialize(value)?);
    day.map(Some)
        .ok_or_else(|| D::Error::custom("must be a date such as 2026-01-31"))
}

/// A day as it is written everywhere: four digits, two, two, from the year 1.
pub(crate) fn day_of(text: &str) -> Option<NaiveDate> {
    let is_shaped = text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok();
    day.filter(|day| is_shaped && day.year() >= 1)
}

/// The start of the first day and the end of the last: whole days, where they are given.
pub(crate) fn whole_days(
    first: Option<NaiveDate>,
    last: Option<NaiveDate>,
) -> (Option<DateTime<Utc>>, Option<DateTime<Utc>>) {
    whole_days_in(Timezone::default(), first, last)
}

/// The same, days of `zone`.
pub(crate) fn whole_days_in(
    zone: Timezone,
    first: Option<NaiveDate>,
    last: Option<NaiveDate>,
) -> (Option<DateTime<Utc>>, Option<DateTime<Utc>>) {
    let next = last.and_then(|day| day.checked_add_days(Days::new(1)));
    let start = |day| zone.start_of(day);
    (first.map(start), next.map(start))
}

/// Whether Postgres could store it at all.
pub(crate) fn is_storable(text: &str) -> bool {
    !text.contains('\0')
}

/// Names and values of a query; `None`: a value that is no UTF-8.
struct Pairs(Vec<(String, Option<String>)>);

impl Pairs {
    fn of(query: &str) -> Self {
        let pairs = query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            // A name that cannot be read is nobody's.
            (decoded(name).unwrap_or_default(), decoded(value))
        });
        Self(pairs.collect())
    }

    /// The one value of a parameter. `None`: there is none, or it is empty and need not be.
    fn single(&self, name: &str) -> Result<Option<&str>, Malformed> {
        // `external_id[]=1` would be an unknown parameter, and the list one of everything.
        let is_list = |sent: &str| sent.strip_prefix(name).is_some_and(|rest| rest.starts_with('['));
        if self.0.iter().any(|(sent, _)| is_list(sent)) {
            return Err(Malformed(format!("{name} has one value, and is no list")));
        }
        let mut values = self.0.iter().filter(|(sent, _)| sent == name);
        let value = values.next().map(|(_, value)| value.as_deref());
        if values.next().is_some() {
            return Err(Malformed(MALFORMED.to_owned()));
        }
        if value == Some(None) {
            return Err(Malformed(format!("{name} must be UTF-8")));
        }
        let value = value.flatten();
        Ok(value.filter(|value| !value.is_empty() || NAMES_ONE.contains(&name)))
    }
}

/// As a form escapes it. `None`: no UTF-8.
fn decoded(text: &str) -> Option<String> {
    let text = text.replace('+', " ");
    let decoded = percent_decode_str(&text).decode_utf8().ok()?;
    Some(decoded.into_owned())
}

/// Why a query cannot be read, in a sentence.
#[derive(Debug)]
struct Malformed(String);

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Malformed {}

impl serde::de::Error for Malformed {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

/// A struct asks for its fields; nothing else is looked at.
impl<'de> Deserializer<'de> for &'de Pairs {
    type Error = Malformed;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Malformed> {
        let mut given = Vec::new();
        for &name in fields {
            given.extend(self.single(name)?.map(|value| (name, value)));
        }
        visitor.visit_map(Given {
            rest: given.into_iter(),
            current: None,
        })
    }

    fn deserialize_any<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, Malformed> {
        Err(Malformed::custom("parameters are read as the fields of a struct"))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf option unit unit_struct newtype_struct seq
        tuple tuple_struct map enum identifier ignored_any
    }
}

/// The given parameters, one after the other.
struct Given<'de> {
    rest: std::vec::IntoIter<(&'static str, &'de str)>,
    current: Option<(&'static str, &'de str)>,
}

impl<'de> MapAccess<'de> for Given<'de> {
    type Error = Malformed;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Malformed> {
        self.current = self.rest.next();
        let name = self.current.map(|(name, _)| name);
        name.map(|name| seed.deserialize(name.into_deserializer()))
            .transpose()
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Malformed> {
        let (name, value) = self.current.take().unwrap_or_default();
        seed.deserialize(value.into_deserializer())
            .map_err(|Malformed(message)| Malformed(format!("{name} {message}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Default, Deserialize, PartialEq)]
    #[serde(default)]
    struct Filter {
        #[serde(deserialize_with = "flag")]
        pending: Option<bool>,
        #[serde(deserialize_with = "day")]
        date_from: Option<NaiveDate>,
        #[serde(deserialize_with = "day")]
        date_to: Option<NaiveDate>,
        #[serde(deserialize_with = "text")]
        external_id: Option<String>,
        #[serde(rename = "meta_data[key]", deserialize_with = "text")]
        meta_key: Option<String>,
    }

    fn filter(query: &str) -> Result<Filter, Problem> {
        read(&format!("/1.6/conversions/?{query}").parse().unwrap())
    }

    fn message(query: &str) -> String {
        filter(query).unwrap_err().message().to_owned()
    }

    #[test]
    fn what_is_empty_or_unknown_is_not_given() {
        for query in [
            "",
            "date_from=&pending=&meta_data[key]=",
            "unknown=1&unknown=2&unknown[]=3",
            "unknown=%ff&%ff=1",
            "&&",
        ] {
            assert_eq!(filter(query).unwrap(), Filter::default(), "{query}");
        }
        let filter = filter("external_id=a%20b&meta_data[key]=k&pending=1").unwrap();
        assert_eq!(filter.external_id.as_deref(), Some("a b"));
        assert_eq!(
            (filter.meta_key.as_deref(), filter.pending),
            (Some("k"), Some(true))
        );
    }

    #[test]
    fn an_empty_name_is_given() {
        assert_eq!(filter("external_id=").unwrap().external_id.as_deref(), Some(""));
        assert_eq!(filter("external_id").unwrap().external_id.as_deref(), Some(""));
    }

    #[test]
    fn what_is_malformed_is_named() {
        for (query, want) in [
            ("pending=maybe", "pending must be true or false"),
            ("external_id=a%00b", "external_id must not contain NUL"),
            ("external_id=%ff", "external_id must be UTF-8"),
            ("pending=%c3%28", "pending must be UTF-8"),
            ("meta_data%5Bkey%5D=%C0%80", "meta_data[key] must be UTF-8"),
            ("external_id[]=1", "external_id has one value, and is no list"),
            ("external_id%5B%5D=1", "external_id has one value, and is no list"),
            ("pending[a]=1", "pending has one value, and is no list"),
            (
                "external_id=1&external_id=2",
                "the query is malformed or repeats a parameter",
            ),
            (
                "external_id=1&external_id=",
                "the query is malformed or repeats a parameter",
            ),
        ] {
            assert_eq!(message(query), want, "{query}");
        }
        for date in [
            "yesterday",
            "2026-02-30",
            "-10000-01-01",
            "0000-01-01",
            "10000-01-01",
            "%2B2026-1-31",
            "2026-1-31",
        ] {
            let want = "date_to must be a date such as 2026-01-31";
            assert_eq!(message(&format!("date_to={date}")), want, "{date}");
        }
    }

    #[test]
    fn flags_are_lenient() {
        for (value, want) in [
            ("1", Some(true)),
            ("True", Some(true)),
            ("false", Some(false)),
            ("0", Some(false)),
            ("", None),
        ] {
            let sent = filter(&format!("pending={value}")).unwrap();
            assert_eq!(sent.pending, want, "{value}");
        }
    }

    #[test]
    fn days_are_whole() {
        let days = |query: &str| {
            let sent = filter(query).unwrap();
            whole_days(sent.date_from, sent.date_to)
        };
        let (from, until) = days("date_from=2026-01-31&date_to=2026-01-31");
        assert_eq!(from.unwrap().to_rfc3339(), "2026-01-31T00:00:00+00:00");
        assert_eq!(until.unwrap().to_rfc3339(), "2026-02-01T00:00:00+00:00");
        for day in ["0001-01-01", "9999-12-31"] {
            let (from, until) = days(&format!("date_from={day}&date_to={day}"));
            assert!(from.is_some() && from < until, "{day}");
        }
        assert_eq!(days(""), (None, None));
        let day = "2026-01-31".parse().ok();
        let (from, until) = whole_days_in("Asia/Tokyo".parse().unwrap(), day, day);
        assert_eq!(from.unwrap().to_rfc3339(), "2026-01-30T15:00:00+00:00");
        assert_eq!(until.unwrap().to_rfc3339(), "2026-01-31T15:00:00+00:00");
    }
}

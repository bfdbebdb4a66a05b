//! The query of a list: what is unknown is ignored, what is empty counts as not given, what is malformed is a 400.

use chrono::{DateTime, Days, NaiveDate, NaiveTime, Utc};
use common::{db::conversions_read::ConversionFilter, domain::ProgramId};
use serde::Deserialize;

use crate::Problem;

/// The parameters of the conversions list (seed: REST 1.6). Times are UTC: there are no profiles with another zone.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct ListParams {
    page: Option<String>,
    program_id: Option<String>,
    external_id: Option<String>,
    affiliate_id: Option<String>,
    pending: Option<String>,
    date_from: Option<String>,
    date_to: Option<String>,
}

impl ListParams {
    /// The page, from 1.
    pub(crate) fn page(&self) -> Result<u32, Problem> {
        let Some(text) = given(self.page.as_deref()) else {
            return Ok(1);
        };
        text.parse()
            .ok()
            .filter(|page| *page > 0)
            .ok_or_else(|| Problem::bad_request("page must be a number from 1 on"))
    }

    /// What to list, within the program that the key is bound to.
    pub(crate) fn filter(self, scope: Option<ProgramId>) -> Result<ConversionFilter, Problem> {
        Ok(ConversionFilter {
            scope,
            id: None,
            from: date("date_from", self.date_from.as_deref())?.map(midnight),
            until: date("date_to", self.date_to.as_deref())?
                .and_then(|day| day.checked_add_days(Days::new(1)))
                .map(midnight),
            pending: flag("pending", self.pending.as_deref())?,
            program: text("program_id", self.program_id)?,
            external_id: text("external_id", self.external_id)?,
            affiliate: text("affiliate_id", self.affiliate_id)?,
        })
    }
}

/// Whether Postgres could store it at all.
pub(crate) fn is_storable(text: &str) -> bool {
    !text.contains('\0')
}

fn given(value: Option<&str>) -> Option<&str> {
    value.filter(|value| !value.is_empty())
}

fn text(name: &str, value: Option<String>) -> Result<Option<String>, Problem> {
    let value = value.filter(|value| !value.is_empty());
    if value.as_deref().is_none_or(is_storable) {
        Ok(value)
    } else {
        Err(Problem::bad_request(format!("{name} must not contain NUL")))
    }
}

fn flag(name: &str, value: Option<&str>) -> Result<bool, Problem> {
    match given(value).map(str::to_ascii_lowercase).as_deref() {
        None | Some("0" | "false") => Ok(false),
        Some("1" | "true") => Ok(true),
        Some(_) => Err(Problem::bad_request(format!("{name} must be true or false"))),
    }
}

fn date(name: &str, value: Option<&str>) -> Result<Option<NaiveDate>, Problem> {
    let Some(value) = given(value) else {
        return Ok(None);
    };
    NaiveDate::parse_from_str(value, "%Y-%m-%d")
        .map(Some)
        .map_err(|_malformed| Problem::bad_request(format!("{name} must be a date such as 2026-01-31")))
}

fn midnight(day: NaiveDate) -> DateTime<Utc> {
    day.and_time(NaiveTime::MIN).and_utc()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(json: serde_json::Value) -> ListParams {
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn pages_count_from_one() {
        for (page, want) in [
            ("", Some(1)),
            ("1", Some(1)),
            ("51", Some(51)),
            ("0", None),
            ("-1", None),
            ("x", None),
        ] {
            let found = params(serde_json::json!({"page": page})).page();
            assert_eq!(found.ok(), want, "{page}");
        }
        assert_eq!(ListParams::default().page().ok(), Some(1));
    }

    #[test]
    fn days_are_whole() {
        let one_day =
            serde_json::json!({"date_from": "2026-01-31", "date_to": "2026-01-31", "external_id": ""});
        let filter = params(one_day).filter(None).unwrap();
        assert_eq!(filter.from.unwrap().to_rfc3339(), "2026-01-31T00:00:00+00:00");
        assert_eq!(filter.until.unwrap().to_rfc3339(), "2026-02-01T00:00:00+00:00");
        assert_eq!(filter.external_id, None);
    }

    #[test]
    fn what_is_malformed_is_refused() {
        for (name, value) in [
            ("pending", "maybe"),
            ("date_from", "yesterday"),
            ("date_to", "2026-02-30"),
            ("external_id", "a\0b"),
        ] {
            let found = params(serde_json::json!({name: value})).filter(None);
            assert!(found.is_err(), "{name}={value}");
        }
        for (value, want) in [("1", true), ("True", true), ("false", false), ("", false)] {
            let filter = params(serde_json::json!({"pending": value}))
                .filter(None)
                .unwrap();
            assert_eq!(filter.pending, want, "{value}");
        }
    }
}

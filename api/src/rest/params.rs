//! The query of a list: what is unknown is ignored, what is empty counts as not given, what is malformed is a 400.

use axum::{
    extract::{FromRequestParts, Query},
    http::request::Parts,
};
use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveTime, Utc};
use common::{
    domain::{ProgramId, PublicId, PublicIdKind},
    reads::rest::{
        clicks::ClickFilter,
        commissions::{CommissionFilter, CommissionStatus},
        conversions::ConversionFilter,
        customers::CustomerFilter,
    },
};
use serde::Deserialize;

use crate::Problem;

/// The parameters of all lists (seed: REST 1.6); each list takes its own. Times are UTC: there are no profiles with
/// another zone.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct ListParams {
    page: Option<String>,
    program_id: Option<String>,
    external_id: Option<String>,
    customer_id: Option<String>,
    affiliate_id: Option<String>,
    pending: Option<String>,
    status: Option<String>,
    paid: Option<String>,
    date_from: Option<String>,
    date_to: Option<String>,
    use_profile_timezone: Option<String>,
    #[serde(rename = "meta_data[key]")]
    meta_key: Option<String>,
    #[serde(rename = "meta_data[value]")]
    meta_value: Option<String>,
}

impl<S: Sync> FromRequestParts<S> for ListParams {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let malformed = |_| Problem::bad_request("the query is malformed or repeats a parameter");
        let Query(pairs): Query<Vec<(String, String)>> =
            Query::try_from_uri(&parts.uri).map_err(malformed)?;
        for (name, _) in &pairs {
            single(name)?;
        }
        Query::try_from_uri(&parts.uri)
            .map(|Query(params)| params)
            .map_err(malformed)
    }
}

/// The parameters that have one value.
const SINGLE: [&str; 11] = [
    "page",
    "program_id",
    "external_id",
    "customer_id",
    "affiliate_id",
    "pending",
    "status",
    "paid",
    "date_from",
    "date_to",
    "use_profile_timezone",
];

/// `external_id[]=1` would be an unknown parameter, and the list one of everything.
fn single(name: &str) -> Result<(), Problem> {
    match name.split_once('[') {
        Some((head, _)) if SINGLE.contains(&head) => Err(Problem::bad_request(format!(
            "{head} has one value, and is no list"
        ))),
        _ => Ok(()),
    }
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

    /// Which conversions to list, within the program that the key is bound to.
    pub(crate) fn conversions(self, scope: Option<ProgramId>) -> Result<ConversionFilter, Problem> {
        let (from, until) = self.window()?;
        Ok(ConversionFilter {
            scope,
            id: None,
            from,
            until,
            pending: flag("pending", self.pending.as_deref())?.unwrap_or(false),
            program: text("program_id", self.program_id)?,
            external_id: text("external_id", self.external_id)?,
            affiliate: text("affiliate_id", self.affiliate_id)?,
        })
    }

    /// Which customers to list, within the program that the key is bound to.
    pub(crate) fn customers(self, scope: Option<ProgramId>) -> Result<CustomerFilter, Problem> {
        let (from, until) = self.window()?;
        Ok(CustomerFilter {
            scope,
            id: None,
            from,
            until,
            program: text("program_id", self.program_id)?,
            customer_id: text("customer_id", self.customer_id)?,
            affiliate: text("affiliate_id", self.affiliate_id)?,
        })
    }

    /// Which clicks to list, within the program that the key is bound to.
    pub(crate) fn clicks(self, scope: Option<ProgramId>) -> Result<ClickFilter, Problem> {
        let (from, until) = self.window()?;
        let meta_key = text("meta_data[key]", self.meta_key)?;
        let meta_value = text("meta_data[value]", self.meta_value)?;
        if meta_key.is_none() && meta_value.is_some() {
            return Err(Problem::bad_request("meta_data[value] needs meta_data[key]"));
        }
        Ok(ClickFilter {
            scope,
            id: None,
            from,
            until,
            meta_key,
            meta_value,
            program: text("program_id", self.program_id)?,
            affiliate: text("affiliate_id", self.affiliate_id)?,
        })
    }

    /// Which commissions to list, within the program that the key is bound to.
    pub(crate) fn commissions(self, scope: Option<ProgramId>) -> Result<CommissionFilter, Problem> {
        let status = |word: &str| {
            CommissionStatus::parse(word)
                .ok_or_else(|| Problem::bad_request("status must be approved, disapproved or pending"))
        };
        Ok(CommissionFilter {
            scope,
            id: None,
            status: given(self.status.as_deref()).map(status).transpose()?,
            paid: flag("paid", self.paid.as_deref())?,
            affiliate: text("affiliate_id", self.affiliate_id)?,
        })
    }

    /// Whole days: from the start of the first to the end of the last.
    fn window(&self) -> Result<Window, Problem> {
        flag("use_profile_timezone", self.use_profile_timezone.as_deref())?;
        let from = date("date_from", self.date_from.as_deref())?;
        let to = date("date_to", self.date_to.as_deref())?;
        let until = to.and_then(|day| day.checked_add_days(Days::new(1)));
        Ok((from.map(midnight), until.map(midnight)))
    }
}

/// From one time on, and before another.
type Window = (Option<DateTime<Utc>>, Option<DateTime<Utc>>);

/// The row that a path names by its number or by its public id.
pub(crate) fn number_of(id: &str, kind: PublicIdKind) -> Option<i64> {
    let by_name = || PublicId::parse(kind, id).map(|id| id.number);
    id.parse().ok().or_else(by_name)
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

fn flag(name: &str, value: Option<&str>) -> Result<Option<bool>, Problem> {
    match given(value).map(str::to_ascii_lowercase).as_deref() {
        None => Ok(None),
        Some("0" | "false") => Ok(Some(false)),
        Some("1" | "true") => Ok(Some(true)),
        Some(_) => Err(Problem::bad_request(format!("{name} must be true or false"))),
    }
}

/// Exactly `YYYY-MM-DD` of the years 1 to 9999: others are no days to Postgres.
fn date(name: &str, value: Option<&str>) -> Result<Option<NaiveDate>, Problem> {
    let Some(value) = given(value) else {
        return Ok(None);
    };
    let is_shaped = value.len() == 10 && value.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    NaiveDate::parse_from_str(value, "%Y-%m-%d")
        .ok()
        .filter(|day| is_shaped && day.year() >= 1)
        .map(Some)
        .ok_or_else(|| Problem::bad_request(format!("{name} must be a date such as 2026-01-31")))
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
        let filter = params(one_day).conversions(None).unwrap();
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
            ("date_from", "-10000-01-01"),
            ("date_from", "0000-01-01"),
            ("date_to", "10000-01-01"),
            ("date_to", "+2026-1-31"),
            ("date_to", "2026-1-31"),
            ("use_profile_timezone", "banana"),
            ("external_id", "a\0b"),
        ] {
            let found = params(serde_json::json!({name: value})).conversions(None);
            assert!(found.is_err(), "{name}={value}");
        }
        for (value, want) in [("1", true), ("True", true), ("false", false), ("", false)] {
            let filter = params(serde_json::json!({"pending": value}))
                .conversions(None)
                .unwrap();
            assert_eq!(filter.pending, want, "{value}");
        }
    }

    #[test]
    fn the_first_and_the_last_day_are_days() {
        for day in ["0001-01-01", "9999-12-31"] {
            let filter = params(serde_json::json!({"date_from": day, "date_to": day})).conversions(None);
            assert!(filter.is_ok_and(|filter| filter.from < filter.until), "{day}");
        }
    }

    #[tokio::test]
    async fn a_filter_is_no_list() {
        for (query, is_good) in [
            ("external_id=1", true),
            ("external_id[]=1", false),
            ("external_id%5B%5D=1", false),
            ("page[a]=1", false),
            ("meta_data[key]=a&meta_data[value]=b", true),
            ("unknown[]=1", true),
            ("external_id=1&external_id=2", false),
        ] {
            let request = axum::http::Request::get(format!("/1.6/conversions/?{query}"));
            let (mut parts, ()) = request.body(()).unwrap().into_parts();
            let found = ListParams::from_request_parts(&mut parts, &()).await;
            assert_eq!(found.is_ok(), is_good, "{query}");
        }
    }

    #[test]
    fn commissions_have_closed_words() {
        let filter = |json| params(json).commissions(None);
        for (word, want) in [
            ("approved", Some(CommissionStatus::Approved)),
            ("disapproved", Some(CommissionStatus::Disapproved)),
            ("pending", Some(CommissionStatus::Pending)),
            ("", None),
        ] {
            assert_eq!(filter(serde_json::json!({"status": word})).unwrap().status, want);
        }
        for (word, want) in [
            ("1", Some(true)),
            ("0", Some(false)),
            ("False", Some(false)),
            ("", None),
        ] {
            assert_eq!(filter(serde_json::json!({"paid": word})).unwrap().paid, want);
        }
        assert!(filter(serde_json::json!({"status": "nonsense"})).is_err());
        assert!(filter(serde_json::json!({"paid": "2"})).is_err());
    }

    #[test]
    fn clicks_are_filtered_by_their_meta_data() {
        let filter = |json| params(json).clicks(Some(ProgramId(3)));
        let both =
            filter(serde_json::json!({"meta_data[key]": "subid1", "meta_data[value]": "baz"})).unwrap();
        assert_eq!(
            (both.meta_key.as_deref(), both.meta_value.as_deref()),
            (Some("subid1"), Some("baz"))
        );
        assert_eq!(both.scope, Some(ProgramId(3)));
        assert!(filter(serde_json::json!({"meta_data[value]": "baz"})).is_err());
    }

    #[test]
    fn rows_have_two_names() {
        let name = PublicId::new(PublicIdKind::Commission, 7).to_string();
        assert_eq!(number_of("7", PublicIdKind::Commission), Some(7));
        assert_eq!(number_of(&name, PublicIdKind::Commission), Some(7));
        for id in ["abc", "", "cm_none", "7.0", "99999999999999999999"] {
            assert_eq!(number_of(id, PublicIdKind::Commission), None, "{id}");
        }
        assert_eq!(number_of(&name, PublicIdKind::Conversion), None);
    }
}

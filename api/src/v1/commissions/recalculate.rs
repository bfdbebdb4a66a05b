//! `POST /v1/commissions/recalculate`: by what the rules of their time say now.

use std::{collections::BTreeMap, sync::Arc};

use axum::{extract::State, response::Response};
use chrono::{DateTime, Datelike as _, NaiveTime, Utc};
use common::{
    catalog,
    domain::{Currency, LeftAlone},
    http::{
        openapi::example,
        request::{Fields, IdempotencyKey, Invalid, MAX_ID},
    },
    recalculation::{self, ConversionFilter, Difference, RecalculateError, Report, Request, Rules, Total},
};
use serde::Serialize;
use serde_json::{Map, Number, Value};
use utoipa::ToSchema;

use super::shared::{caller, once};
use crate::{Api, Problem, auth::needs_whole_organisation, json::number, rest::params::day_of, write::Call};

/// Commissions that an answer lists where the request does not say.
const DEFAULT_LIMIT: usize = 100;
/// Commissions that an answer lists, at most.
const MAX_LIMIT: usize = 1_000;
/// What of an organisation decides how much a commission is.
const RULES: &[&str] = &["programs", "groups", "affiliates"];

/// Which conversions; at least one restriction must be there.
#[derive(ToSchema)]
#[schema(as = native::Recalculation)]
#[expect(dead_code, reason = "describes what `filter` and `rules` read")]
struct RecalculationBody {
    /// Those of this program.
    program_id: Option<String>,
    /// Those of this affiliate's sales, parents' commissions included.
    affiliate_id: Option<String>,
    /// Those of sales from then on: a day (in UTC, from its beginning) or an RFC 3339 time.
    from: Option<String>,
    /// Those of sales before then: a day (in UTC, up to its beginning) or an RFC 3339 time.
    before: Option<String>,
    /// Only tells what would change. True unless it is said to be false.
    preview: Option<bool>,
    /// Commissions to list: 1 to 1000, 100 by default.
    limit: Option<u32>,
    /// Rules to suppose, only for a preview and only by a key that is not bound to a program: `programs`, `groups` and `affiliates`
    /// as in the organisation's table of a catalog file.
    #[schema(value_type = Option<Object>)]
    rules: Option<Value>,
    /// From when on they are supposed to hold, as `from`, which is the default.
    rules_from: Option<String>,
}

/// What changes, or would change in a preview.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = native::Recalculated)]
struct Recalculated {
    preview: bool,
    /// Conversions that were looked at.
    selected: usize,
    /// Those of which a commission changes.
    conversions: usize,
    /// Commissions that change.
    changed: usize,
    /// Conversions that could not be recalculated: deleted meanwhile, of an affiliate who has left the program, or an amount would be
    /// out of range.
    refused: usize,
    /// By currency.
    totals: BTreeMap<String, Sum>,
    left: LeftAlone,
    /// The first of those that change.
    commissions: Vec<Changed>,
    /// More change than are listed.
    more: bool,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = native::RecalculatedSum)]
struct Sum {
    #[schema(value_type = f64)]
    from: Number,
    #[schema(value_type = f64)]
    to: Number,
    #[schema(value_type = f64)]
    difference: Number,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = native::RecalculatedCommission)]
struct Changed {
    id: i64,
    conversion_id: i64,
    external_id: Option<String>,
    /// Who earns it.
    affiliate_id: String,
    currency: Currency,
    /// After refunds.
    #[schema(value_type = f64)]
    from: Number,
    #[schema(value_type = f64)]
    to: Number,
    #[schema(value_type = f64)]
    difference: Number,
}

/// Calculate commissions anew by the rules of their time
// Where rules were changed backdated. The conversions of one moment, 500 a transaction; a preview unless `preview` is false.
#[utoipa::path(
    post,
    path = "/v1/commissions/recalculate",
    tag = "native",
    security(("XApiKey" = []), ("Bearer" = [])),
    params(IdempotencyKey),
    request_body(content = RecalculationBody, example = json!(example(include_str!("../examples/recalculation.json")))),
    responses((status = 200, body = Recalculated, example = json!(example(include_str!("../examples/recalculated.json")))))
)]
pub(super) async fn recalculate(State(api): State<Arc<Api>>, call: Call) -> Result<Response, Problem> {
    let fields = call.received.body_fields()?;
    let filter = filter(&fields, &call)?;
    let request = Request {
        caller: caller(&call),
        preview: fields.flag("preview")?.unwrap_or(true),
        rules: rules(&fields, &call, filter.from)?,
        limit: limit(&fields)?,
    };
    if request.rules.is_some() && !request.preview {
        return Err(Problem::bad_request(
            "rules are only supposed, in a preview: change the rules, then recalculate without them",
        ));
    }
    once(&api, &call, async {
        let mut conn = api.connection().await?;
        let chosen = recalculation::select(&mut conn, call.key.org, &filter).await?;
        drop(conn);
        let report = recalculation::recalculate(&api.pool, &api.ids, &chosen, &request, |_done| {}).await?;
        Ok(shown(&report, request.preview))
    })
    .await
}

/// # Errors
/// Names what is wrong. All conversions of an organisation are nobody's slip: a body without a restriction is one.
fn filter(fields: &Fields, call: &Call) -> Result<ConversionFilter, Invalid> {
    let filter = ConversionFilter {
        scope: call.key.program,
        program: fields.text("program_id", MAX_ID)?,
        affiliate: fields.text("affiliate_id", MAX_ID)?,
        from: moment(fields, "from")?,
        before: moment(fields, "before")?,
    };
    let is_free = filter.program.is_none() && filter.affiliate.is_none();
    match (filter.from, filter.before) {
        (None, None) if is_free => Err(fields.wrong(
            "the body",
            "needs one of program_id, affiliate_id, from or before",
        )),
        (Some(from), Some(before)) if from >= before => Err(fields.wrong("from", "must be before before")),
        _ => Ok(filter),
    }
}

/// The beginning of a day, or a time. Years that a day has, too.
fn moment(fields: &Fields, name: &str) -> Result<Option<DateTime<Utc>>, Invalid> {
    let Some(text) = fields.text(name, MAX_ID)? else {
        return Ok(None);
    };
    let day = day_of(&text).map(|day| day.and_time(NaiveTime::MIN).and_utc());
    let time = || DateTime::parse_from_rfc3339(&text).ok().map(|time| time.to_utc());
    let moment = day.or_else(time).filter(|time| (1..=9999).contains(&time.year()));
    let wrong = || fields.wrong(name, "must be a date such as 2026-01-31 or an RFC 3339 time");
    moment.map(Some).ok_or_else(wrong)
}

fn limit(fields: &Fields) -> Result<usize, Invalid> {
    let Some(text) = fields.text("limit", MAX_ID)? else {
        return Ok(DEFAULT_LIMIT);
    };
    let limit = text.parse().ok().filter(|limit| (1..=MAX_LIMIT).contains(limit));
    limit.ok_or_else(|| fields.wrong("limit", "must be a number from 1 to 1000"))
}

fn rules(fields: &Fields, call: &Call, from: Option<DateTime<Utc>>) -> Result<Option<Rules>, Problem> {
    let rules_from = moment(fields, "rules_from")?;
    let Some(declared) = fields.object("rules")? else {
        return Ok(None);
    };
    needs_whole_organisation(&call.key)?;
    refuse_other_things(&declared)?;
    let Some(from) = rules_from.or(from) else {
        return Err(fields.required("rules_from").into());
    };
    let file = catalog::parse_org(&call.key.org_slug, &declared).map_err(|error| {
        let problems: Vec<&str> = error
            .problems
            .iter()
            .map(|problem| problem.message.as_str())
            .collect();
        Problem::bad_request(format!("rules: {}", problems.join("; ")))
    })?;
    Ok(Some(Rules { file, from }))
}

fn refuse_other_things(declared: &Map<String, Value>) -> Result<(), Problem> {
    match declared.keys().find(|key| !RULES.contains(&key.as_str())) {
        Some(other) => Err(Problem::bad_request(format!(
            "rules: {other:?} decides no commission: they are of {}",
            RULES.join(", ")
        ))),
        None => Ok(()),
    }
}

fn shown(report: &Report, preview: bool) -> Recalculated {
    let totals = report.totals.iter();
    Recalculated {
        preview,
        selected: report.selected,
        conversions: report.conversions,
        changed: report.changed,
        refused: report.refused,
        totals: totals
            .map(|(currency, total)| (currency.clone(), sum(total)))
            .collect(),
        left: report.left,
        commissions: report.differences.iter().map(changed).collect(),
        more: report.more(),
    }
}

fn sum(total: &Total) -> Sum {
    Sum {
        from: number(total.from),
        to: number(total.to),
        difference: number(total.to - total.from),
    }
}

fn changed(difference: &Difference) -> Changed {
    Changed {
        id: difference.commission.0,
        conversion_id: difference.conversion.0,
        external_id: difference.external_id.clone(),
        affiliate_id: difference.affiliate.clone(),
        currency: difference.currency,
        from: number(difference.from),
        to: number(difference.to),
        difference: number(difference.to - difference.from),
    }
}

impl From<RecalculateError> for Problem {
    fn from(error: RecalculateError) -> Self {
        match error {
            RecalculateError::Apply(error) => error.into(),
            RecalculateError::Rules(error) => Self::bad_request(format!("rules: {error}")),
        }
    }
}

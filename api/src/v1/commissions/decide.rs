//! `PUT /v1/commissions/approve` and `/disapprove`: all pending ones that a filter chose at one moment.

use std::{collections::BTreeMap, sync::Arc};

use axum::{extract::State, response::Response};
use chrono::{DateTime, Utc};
use common::{
    approval::{self, Decision, PendingFilter, Selection},
    http::{
        openapi::example,
        request::{Fields, IdempotencyKey, Invalid, MAX_ID},
    },
};
use serde::Serialize;
use serde_json::Number;
use utoipa::ToSchema;

use super::shared::{caller, once};
use crate::{Api, Problem, json::number, rest::params::day_of, write::Call};

/// Which pending commissions; at least one restriction must be there.
#[derive(ToSchema)]
#[schema(as = native::PendingFilter)]
#[expect(dead_code, reason = "describes what `filter` reads")]
struct FilterBody {
    /// Those of the sales of this program.
    program_id: Option<String>,
    /// Those of this affiliate.
    affiliate_id: Option<String>,
    /// Those created before this day, in UTC.
    #[schema(format = Date)]
    before: Option<String>,
    /// Only tells what would be chosen.
    preview: Option<bool>,
}

/// What was chosen, and what became of it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = native::Decided)]
struct Decided {
    preview: bool,
    /// Commissions that were pending at that moment.
    selected: usize,
    /// Those that were decided now: others were decided by somebody else meanwhile. 0 in a preview.
    changed: usize,
    /// There are more than one call takes: call again.
    more: bool,
    /// What was selected brings, by currency.
    #[schema(value_type = BTreeMap<String, f64>)]
    amounts: BTreeMap<String, Number>,
}

/// Approve many commissions
// All pending ones that the filter chooses at one moment, 500 a transaction.
#[utoipa::path(
    put,
    path = "/v1/commissions/approve",
    tag = "native",
    security(("XApiKey" = []), ("Bearer" = [])),
    params(IdempotencyKey),
    request_body(content = FilterBody, example = json!(example(include_str!("../examples/pending_filter.json")))),
    responses((status = 200, body = Decided, example = json!(example(include_str!("../examples/decided.json")))))
)]
pub(super) async fn approve(State(api): State<Arc<Api>>, call: Call) -> Result<Response, Problem> {
    decide(&api, &call, true).await
}

/// Disapprove many commissions
// All pending ones that the filter chooses at one moment, 500 a transaction.
#[utoipa::path(
    put,
    path = "/v1/commissions/disapprove",
    tag = "native",
    security(("XApiKey" = []), ("Bearer" = [])),
    params(IdempotencyKey),
    request_body(content = FilterBody, example = json!(example(include_str!("../examples/pending_filter.json")))),
    responses((status = 200, body = Decided, example = json!(example(include_str!("../examples/decided.json")))))
)]
pub(super) async fn disapprove(State(api): State<Arc<Api>>, call: Call) -> Result<Response, Problem> {
    decide(&api, &call, false).await
}

async fn decide(api: &Api, call: &Call, approved: bool) -> Result<Response, Problem> {
    let fields = call.received.body_fields()?;
    let filter = filter(&fields, call)?;
    let is_preview = fields.flag("preview")?.unwrap_or(false);
    once(api, call, async {
        let mut conn = api.connection().await?;
        let selection = approval::select(&mut conn, call.key.org, &filter).await?;
        drop(conn);
        let mut changed = 0;
        if !is_preview {
            let decision = Decision {
                approved,
                caller: caller(call),
            };
            let decided = approval::decide(&api.pool, &api.ids, &selection.ids, &decision, |_progress| {});
            changed = decided.await?.changed;
        }
        Ok(shown(&selection, is_preview, changed))
    })
    .await
}

/// # Errors
/// Names what is wrong. All commissions of an organisation are nobody's slip: a body without a restriction is one.
fn filter(fields: &Fields, call: &Call) -> Result<PendingFilter, Invalid> {
    let filter = PendingFilter {
        scope: call.key.program,
        program: fields.text("program_id", MAX_ID)?,
        affiliate: fields.text("affiliate_id", MAX_ID)?,
        before: midnight(fields)?,
    };
    if filter.program.is_none() && filter.affiliate.is_none() && filter.before.is_none() {
        return Err(fields.wrong("the body", "needs one of program_id, affiliate_id or before"));
    }
    Ok(filter)
}

fn midnight(fields: &Fields) -> Result<Option<DateTime<Utc>>, Invalid> {
    let Some(text) = fields.text("before", MAX_ID)? else {
        return Ok(None);
    };
    let day = day_of(&text).ok_or_else(|| fields.wrong("before", "must be a date such as 2026-01-31"))?;
    Ok(Some(day.and_time(chrono::NaiveTime::MIN).and_utc()))
}

fn shown(selection: &Selection, preview: bool, changed: usize) -> Decided {
    let amounts = selection.amounts.iter();
    Decided {
        preview,
        selected: selection.ids.len(),
        changed,
        more: selection.more,
        amounts: amounts
            .map(|(currency, amount)| (currency.clone(), number(*amount)))
            .collect(),
    }
}

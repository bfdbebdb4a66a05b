//! A visitor has signed up.

use axum::{
    extract::{Request, State},
    response::Response,
};
use common::domain::{Body, Lead};
use serde_json::Value;
use utoipa::ToSchema;

use super::{
    call::{SentCall, track},
    details::{AdditionalData, MAX_PAGE_URL, details, hashed},
    errors::LEAD_NAMES_NOBODY,
    kind::{Call, Names},
    success::{LeadTracked, TestTracked},
};
use crate::{Ingest, receipt::Pending};
use common::http::{
    openapi::example,
    request::{Fields, Invalid, MAX_ID, Preferences, folded_customer},
};

/// Record a sign-up
#[utoipa::path(
    post,
    path = "/api/v1/track/lead",
    tag = "affitor",
    security((), ("Bearer" = [])),
    params(Preferences),
    request_body(content = LeadBody, example = json!(example(include_str!("examples/lead.json")))),
    responses(
        (status = 200, body = LeadAnswer, example = json!(example(include_str!("examples/lead_tracked.json")))),
        Pending,
    )
)]
pub(super) async fn lead(State(ingest): State<Ingest>, request: Request) -> Response {
    track(&ingest, Call::Lead, Names::Current, request, parse).await
}

/// The older path of a sign-up
#[utoipa::path(
    post,
    path = "/api/tracking/lead",
    tag = "affitor",
    security((), ("Bearer" = [])),
    params(Preferences),
    request_body(content = OlderLeadBody, example = json!(example(include_str!("examples/lead.json")))),
    responses(
        (status = 200, body = LeadAnswer, example = json!(example(include_str!("examples/lead_tracked.json")))),
        Pending,
    )
)]
pub(super) async fn older_lead(State(ingest): State<Ingest>, request: Request) -> Response {
    track(&ingest, Call::Lead, Names::Legacy, request, parse).await
}

/// Names the customer by a click or by a key of the caller's own.
#[derive(ToSchema)]
#[schema(as = affitor::Lead)]
#[expect(dead_code, reason = "describes what `parse` reads")]
struct LeadBody {
    click_id: Option<String>,
    /// At most 20; without a key 5.
    click_ids: Option<Vec<String>>,
    /// The caller's own id of the customer.
    customer_key: Option<String>,
    /// Kept as a hash alone.
    #[schema(format = "email")]
    email: Option<String>,
    session_id: Option<String>,
    page_url: Option<String>,
    additional_data: Option<AdditionalData>,
}

#[derive(ToSchema)]
#[schema(as = affitor::OlderLead)]
#[expect(dead_code, reason = "describes what `parse` reads")]
struct OlderLeadBody {
    #[serde(flatten)]
    lead: LeadBody,
    #[serde(flatten)]
    older: OlderNames,
}

/// Names that fields had before.
#[derive(ToSchema)]
#[schema(as = affitor::OlderNames)]
#[expect(dead_code, reason = "describes what `either` reads")]
pub(super) struct OlderNames {
    /// As `click_id`.
    customer_code: Option<String>,
    /// As `customer_key`.
    user_id: Option<String>,
}

#[derive(ToSchema)]
#[serde(untagged)]
#[schema(as = affitor::LeadAnswer)]
#[expect(dead_code, reason = "describes the answers of one call")]
enum LeadAnswer {
    Tracked(LeadTracked),
    Test(TestTracked),
}

/// Clicks that one lead may name.
const MAX_CLICK_IDS: usize = 20;
/// The same without a key: each is looked for, and a browser has one.
const MAX_KEYLESS_CLICK_IDS: usize = 5;
const DETAILS: [(&str, usize); 2] = [("session_id", MAX_ID), ("page_url", MAX_PAGE_URL)];

/// # Errors
/// Names the field that is missing or wrong.
fn parse(sent: &SentCall<'_>) -> Result<Body, Invalid> {
    let (fields, names) = (sent.fields, sent.names);
    let limit = if sent.is_keyed {
        MAX_CLICK_IDS
    } else {
        MAX_KEYLESS_CLICK_IDS
    };
    let lead = Lead {
        click_ids: click_ids(fields, names, limit)?,
        customer_id: customer_key(fields, names)?,
        email: fields.contact("email").map(|address| hashed(&address)),
        details: details(fields, &DETAILS),
        ..Lead::default()
    };
    if lead.click_ids.is_empty() && lead.customer_id.is_none() {
        return Err(Invalid::new(LEAD_NAMES_NOBODY));
    }
    Ok(Body::Lead(Box::new(lead)))
}

/// `customer_key`, or `user_id` as it was called before.
pub(super) fn customer_key(fields: &Fields, names: Names) -> Result<Option<String>, Invalid> {
    Ok(either(fields, names, "customer_key", "user_id")?.map(folded_customer))
}

/// `click_id`, or `customer_code` as it was called before.
pub(super) fn click_id(fields: &Fields, names: Names) -> Result<Option<String>, Invalid> {
    either(fields, names, "click_id", "customer_code")
}

fn either(fields: &Fields, names: Names, current: &str, legacy: &str) -> Result<Option<String>, Invalid> {
    match fields.identity(current)? {
        None if names == Names::Legacy => fields.identity(legacy),
        found => Ok(found),
    }
}

/// `click_id` first, then what `click_ids` adds.
fn click_ids(fields: &Fields, names: Names, limit: usize) -> Result<Vec<String>, Invalid> {
    let mut ids: Vec<String> = click_id(fields, names)?.into_iter().collect();
    let wrong = |what: &str| fields.wrong("click_ids", what);
    let more = match fields.value("click_ids")? {
        None | Some(Value::Bool(false)) => &[],
        Some(Value::Array(list)) => list.as_slice(),
        Some(Value::Object(nothing)) if nothing.is_empty() => &[],
        Some(id @ (Value::String(_) | Value::Number(_))) => std::slice::from_ref(id),
        Some(_) => return Err(wrong("must be a list of strings")),
    };
    for id in more {
        let text = match id {
            Value::Null | Value::Bool(false) => continue,
            Value::String(text) if text.trim().is_empty() => continue,
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            _ => return Err(wrong("must be a list of strings")),
        };
        let Some(id) = fields.identity_of("click_ids", text)? else {
            continue;
        };
        if ids.contains(&id) {
            continue;
        }
        if ids.len() >= limit {
            return Err(wrong(&format!("names more than {limit} clicks")));
        }
        ids.push(id);
    }
    Ok(ids)
}

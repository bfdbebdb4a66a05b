//! `POST /1.6/clicks/`

use axum::{
    extract::{Request, State},
    response::Response,
};
use common::{
    domain::{Body, MetaData, RecordClick},
    http::{
        openapi::{self, example},
        request::{Fields, Invalid, Preferences},
    },
};
use serde_json::Value;
use utoipa::ToSchema;

use super::{call::call, effect::ClickId};
use crate::{
    Ingest,
    receipt::Pending,
    tapfiliate::params::{Details, details},
};

/// Characters of a page's address.
const MAX_PAGE: usize = 4_000;

/// Create a click
#[utoipa::path(
    post,
    path = "/1.6/clicks",
    tag = "rest",
    security(("XApiKey" = [])),
    params(Preferences),
    request_body(content = ClickBody, example = json!(example(include_str!("examples/new_click.json")))),
    responses(
        (status = 200, body = ClickId, example = json!({"id": "ab885a1c-8ad9-11ea-bc55-0242ac130003"})),
        Pending,
    )
)]
pub(super) async fn create_click(State(ingest): State<Ingest>, request: Request) -> Response {
    call(&ingest, request, parse).await
}

#[derive(ToSchema)]
#[schema(as = rest::NewClick)]
#[expect(dead_code, reason = "describes what `parse` reads")]
struct ClickBody {
    referral_code: String,
    source_id: Option<String>,
    referrer: Option<String>,
    landing_page: Option<String>,
    /// Also as the answers print it: pairs of `key` and `value`.
    meta_data: Option<openapi::MetaData>,
    #[serde(flatten)]
    details: Details,
}

/// # Errors
/// Names the field that is missing or wrong.
fn parse(fields: &Fields) -> Result<Body, Invalid> {
    Ok(Body::Click(Box::new(RecordClick {
        referral_code: fields.required_referral_code("referral_code")?,
        source_id: fields.code("source_id")?,
        referrer: fields.remark("referrer", MAX_PAGE),
        landing_page: fields.remark("landing_page", MAX_PAGE),
        meta_data: meta_data(fields),
        details: details(fields),
        ..RecordClick::default()
    })))
}

/// An object as everywhere else, or pairs as the answers print them: `{"key": "subid1", "value": "baz"}`, one or a list.
fn meta_data(fields: &Fields) -> MetaData {
    const NAME: &str = "meta_data";
    let entries = match fields.free_json(NAME) {
        Some(Value::Array(list)) => list,
        Some(object @ Value::Object(_)) => vec![object],
        Some(_) | None => return MetaData::new(),
    };
    let mut all = MetaData::new();
    for entry in entries {
        match entry {
            Value::Object(mut entry) if is_pair(&entry) => {
                let key = entry
                    .remove("key")
                    .as_ref()
                    .and_then(Value::as_str)
                    .map(str::to_owned);
                all.extend(key.zip(entry.remove("value")));
            }
            Value::Object(entry) => all.extend(entry),
            _ => fields.warn(NAME, "has an entry that is no object, which was left out"),
        }
    }
    all
}

fn is_pair(entry: &serde_json::Map<String, Value>) -> bool {
    entry.len() == 2 && entry.get("key").is_some_and(Value::is_string) && entry.contains_key("value")
}

//! `POST /1.6/clicks/`

use axum::{
    extract::{Request, State},
    response::Response,
};
use common::{
    domain::{Body, MetaData, RecordClick},
    http::{
        openapi::{self, example},
        request::{Fields, Invalid, MAX_ID, MAX_META_PROPERTIES, Preferences},
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
        referral_code: fields.required_text("referral_code", MAX_ID)?,
        source_id: fields.text("source_id", MAX_ID)?,
        referrer: fields.prose("referrer", MAX_PAGE)?,
        landing_page: fields.prose("landing_page", MAX_PAGE)?,
        meta_data: meta_data(fields)?,
        details: details(fields)?,
        ..RecordClick::default()
    })))
}

/// An object as everywhere else, or pairs as the answers print them: `{"key": "subid1", "value": "baz"}`, one or a list.
fn meta_data(fields: &Fields) -> Result<MetaData, Invalid> {
    const NAME: &str = "meta_data";
    let mut all = MetaData::new();
    for entry in fields.list(NAME, MAX_META_PROPERTIES)? {
        let mut values = entry.into_values();
        if values.len() == 2 && values.contains_key("key") && values.contains_key("value") {
            let (Some(Value::String(key)), Some(value)) = (values.remove("key"), values.remove("value"))
            else {
                return Err(fields.wrong(NAME, "has a key that is no string"));
            };
            all.insert(key, value);
        } else {
            all.extend(values);
        }
    }
    let checked = Fields::new(MetaData::from_iter([(NAME.to_owned(), Value::Object(all))]))?;
    Ok(checked.meta_data(NAME)?.unwrap_or_default())
}

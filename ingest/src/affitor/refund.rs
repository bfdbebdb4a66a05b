//! Money was given back for a sale.

use axum::{
    extract::{Request, State},
    response::Response,
};
use common::domain::{Body, Refund};
use utoipa::ToSchema;

use super::{
    call::{SentCall, track},
    details::AdditionalData,
    kind::{Call, Names},
    sale::minor_units,
    success::{RefundTracked, TestTracked},
};
use crate::{Ingest, receipt::Pending};
use common::http::{
    openapi::example,
    request::{Fields, Invalid, Preferences},
};

/// Take a sale's commission back
#[utoipa::path(
    post,
    path = "/api/v1/track/refund",
    tag = "affitor",
    security(("Bearer" = [])),
    params(Preferences),
    request_body(content = RefundBody, example = json!(example(include_str!("examples/refund.json")))),
    responses(
        (status = 200, body = RefundAnswer, example = json!(example(include_str!("examples/refund_tracked.json")))),
        Pending,
    )
)]
pub(super) async fn refund(State(ingest): State<Ingest>, request: Request) -> Response {
    track(&ingest, Call::Refund, Names::Current, request, parse).await
}

/// The older path of a refund
#[utoipa::path(
    post,
    path = "/api/tracking/refund",
    tag = "affitor",
    security(("Bearer" = [])),
    params(Preferences),
    request_body(content = RefundBody, example = json!(example(include_str!("examples/refund.json")))),
    responses(
        (status = 200, body = RefundAnswer, example = json!(example(include_str!("examples/refund_tracked.json")))),
        Pending,
    )
)]
pub(super) async fn older_refund(State(ingest): State<Ingest>, request: Request) -> Response {
    track(&ingest, Call::Refund, Names::Legacy, request, parse).await
}

#[derive(ToSchema)]
#[schema(as = affitor::Refund)]
#[expect(dead_code, reason = "describes what `parse` reads")]
struct RefundBody {
    transaction_id: String,
    /// Absent or 0: all of it.
    #[schema(minimum = 0)]
    refund_amount_cents: Option<i64>,
    /// Without one, two refunds of one amount are one and its repetition.
    refund_id: Option<String>,
    additional_data: Option<AdditionalData>,
}

#[derive(ToSchema)]
#[serde(untagged)]
#[schema(as = affitor::RefundAnswer)]
#[expect(dead_code, reason = "describes the answers of one call")]
enum RefundAnswer {
    Tracked(RefundTracked),
    Test(TestTracked),
}

/// # Errors
/// Names the field that is missing or wrong.
fn parse(sent: &SentCall<'_>) -> Result<Body, Invalid> {
    let fields = sent.fields;
    fields.ignore_time("a refund counts whenever it was");
    let external_id = fields.required_order_id("transaction_id")?;
    Ok(Body::Refund(Refund {
        external_id,
        minor_units: part(fields)?,
        refund_id: fields.distinct_id("refund_id")?,
        ..Refund::default()
    }))
}

/// `None` and 0 mean all of it (seed: Affitor, refund).
fn part(fields: &Fields) -> Result<Option<i64>, Invalid> {
    const NAME: &str = "refund_amount_cents";
    if fields.value(NAME)?.is_none() {
        return Ok(None);
    }
    let units = minor_units(fields, NAME);
    let units = units.ok_or_else(|| fields.wrong(NAME, "must be a positive integer"))?;
    Ok(Some(units).filter(|units| *units > 0))
}

//! Money was given back for a sale.

use axum::{
    extract::{Request, State},
    response::Response,
};
use common::domain::{Body, Refund, RefundView};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::{
    answer::own_commission,
    call::{Call, Names, track},
    details::AdditionalData,
    sale::minor_units,
    test_mode::TestTracked,
};
use crate::{Ingest, receipt::Pending};
use common::http::{
    openapi::example,
    request::{Fields, Invalid, MAX_ID, Preferences, json_number},
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
    track(&ingest, Call::Refund, Names::Current, request).await
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
    track(&ingest, Call::Refund, Names::Legacy, request).await
}

#[derive(ToSchema)]
#[schema(as = affitor::Refund)]
#[expect(dead_code, reason = "describes what `parse` reads")]
struct RefundBody {
    transaction_id: String,
    /// None or 0: all of it.
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

#[derive(Serialize, ToSchema)]
#[schema(as = affitor::RefundTracked)]
pub(super) struct RefundTracked {
    success: bool,
    sale_id: i64,
    #[schema(required)]
    commission_id: Option<i64>,
    status: RefundStatus,
    message: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    reason: Option<&'static str>,
    /// What it took from the commission, in units of the currency.
    #[serde(rename = "deductionAmount", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = f64, format = "decimal", required = false)]
    deduction_amount: Option<Value>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = affitor::RefundStatus)]
enum RefundStatus {
    /// All of the commission was taken back.
    Reversed,
    /// Part of it.
    Refunded,
    /// The sale brought no commission.
    NoCommission,
    /// The refund had been recorded before.
    Skipped,
}

impl From<&RefundView> for RefundTracked {
    fn from(view: &RefundView) -> Self {
        let commission_id = own_commission(&view.conversion);
        let (status, message) = match (view.is_repeat, commission_id, view.is_full) {
            (true, _, _) => (RefundStatus::Skipped, "Refund has already been recorded"),
            (false, None, _) => (RefundStatus::NoCommission, "Sale has no commission to reverse"),
            (false, Some(_), true) => (RefundStatus::Reversed, "Commission reversed"),
            (false, Some(_), false) => (RefundStatus::Refunded, "Commission reduced by the refunded part"),
        };
        let is_deducted = matches!(status, RefundStatus::Reversed | RefundStatus::Refunded);
        Self {
            success: true,
            sale_id: view.conversion.id.0,
            commission_id,
            status,
            message,
            reason: view.is_repeat.then_some("already reversed"),
            // In units of the currency, while all else is in its minor unit (seed: Affitor, refund).
            deduction_amount: is_deducted.then(|| json_number(view.deducted, 0)),
        }
    }
}

/// Without a `refund_id` two refunds of one amount are one and its retry: documented clients send none, and repeat.
///
/// # Errors
/// Names the field that is missing or wrong.
pub(super) fn parse(fields: &Fields) -> Result<Body, Invalid> {
    let external_id = fields.required_text("transaction_id", MAX_ID)?;
    let minor_units = part(fields)?;
    let by_amount = minor_units.map_or_else(|| "affitor:full".to_owned(), |units| format!("affitor:{units}"));
    Ok(Body::Refund(Refund {
        external_id,
        minor_units,
        refund_id: Some(fields.text("refund_id", MAX_ID)?.unwrap_or(by_amount)),
        ..Refund::default()
    }))
}

/// `None` and 0 mean all of it (seed: Affitor, refund).
fn part(fields: &Fields) -> Result<Option<i64>, Invalid> {
    const NAME: &str = "refund_amount_cents";
    let is_sent = match fields.value(NAME)? {
        None => false,
        Some(Value::String(text)) => !text.trim().is_empty(),
        Some(_) => true,
    };
    if !is_sent {
        return Ok(None);
    }
    let units = minor_units(fields, NAME);
    let units = units.ok_or_else(|| fields.wrong(NAME, "must be a positive integer"))?;
    Ok(Some(units).filter(|units| *units > 0))
}

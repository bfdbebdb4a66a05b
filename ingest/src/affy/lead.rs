//! A sign-up or a payment, by its type. Both are found by the session or the click.

use axum::{
    extract::{Request, State},
    response::Response,
};
use common::domain::Currency;
use utoipa::ToSchema;

use super::{
    call::{Parsed, track},
    lead_payment, lead_registration,
    success::{DuplicatePayment, LeadLinked, PaymentLinked},
    visit::{LeadType, Visitor, lead_type},
};
use crate::{Ingest, receipt::Pending};
use common::http::{
    openapi::Amount,
    request::{Fields, Invalid, Preferences},
};

/// A sign-up or a payment, by leadType
#[utoipa::path(
    post,
    path = "/api/v1/tracking/lead",
    tag = "affy",
    security((), ("Bearer" = [])),
    params(Preferences),
    request_body(content = LeadBody, example = json!({
        "clientId": 12345, "leadType": "REGISTRATION", "customerEmail": "customer@example.com",
        "customerName": "Jane Smith", "sessionId": "session_unique_id"
    })),
    responses(
        (status = 200, body = LeadAnswer, example = json!({"success": true, "leadId": 456, "message": "Registration linked to affiliate referral"})),
        Pending,
        (status = 409, body = DuplicatePayment),
    )
)]
pub(super) async fn lead(State(ingest): State<Ingest>, request: Request) -> Response {
    track(&ingest, request, parse).await
}

#[derive(ToSchema)]
#[schema(as = affy::Lead, rename_all = "camelCase")]
#[expect(dead_code, reason = "describes what `parse` reads")]
struct LeadBody {
    #[serde(flatten)]
    visitor: Visitor,
    lead_type: LeadType,
    /// Of a payment.
    lead_value: Option<Amount>,
    currency: Option<Currency>,
    /// Of a payment: makes it safe to repeat.
    transaction_id: Option<String>,
}

#[derive(ToSchema)]
#[serde(untagged)]
#[schema(as = affy::LeadAnswer)]
#[expect(dead_code, reason = "describes the answers of one call")]
enum LeadAnswer {
    Payment(PaymentLinked),
    Registration(LeadLinked),
}

/// `/lead`: the type decides.
///
/// # Errors
/// Names the field that is missing or wrong.
fn parse(fields: &Fields) -> Result<Parsed, Invalid> {
    match lead_type(fields)? {
        Some(LeadType::Registration) => lead_registration::read(fields),
        Some(LeadType::Payment) => lead_payment::read(fields),
        None => Err(fields.required("leadType")),
    }
}

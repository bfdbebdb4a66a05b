//! A sign-up or a payment, by its type. Both are found by the session or the click.

use axum::{
    extract::{Request, State},
    response::Response,
};
use common::domain::Currency;
use utoipa::ToSchema;

use super::{
    call::{Parsed, track},
    lead_payment::{self, DuplicatePayment, PaymentLinked},
    lead_registration::{self, LeadLinked},
};
use crate::{Ingest, receipt::Pending};
use common::http::{
    openapi::Amount,
    request::{Fields, Invalid, MAX_ID, Preferences},
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

/// Who it is, at each path for leads. The session or the click is named.
#[derive(ToSchema)]
#[schema(as = affy::Visitor, rename_all = "camelCase")]
#[expect(dead_code, reason = "describes what `visit` and its callers read")]
pub(super) struct Visitor {
    /// The organisation's.
    client_id: i64,
    session_id: Option<String>,
    click_id: Option<String>,
    /// The merchant's own id of the customer.
    customer_id: Option<String>,
    #[schema(format = "email")]
    customer_email: Option<String>,
    customer_name: Option<String>,
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

#[derive(ToSchema)]
#[schema(as = affy::LeadType, rename_all = "UPPERCASE")]
pub(super) enum LeadType {
    Registration,
    Payment,
}

pub(super) fn lead_type(fields: &Fields) -> Result<Option<LeadType>, Invalid> {
    match fields.word("leadType")?.as_deref() {
        None => Ok(None),
        Some("registration") => Ok(Some(LeadType::Registration)),
        Some("payment") => Ok(Some(LeadType::Payment)),
        Some(_) => Err(fields.wrong("leadType", "must be REGISTRATION or PAYMENT")),
    }
}

/// By what the click is known that brought the customer.
pub(super) struct Visit {
    pub(super) click: Option<String>,
    pub(super) session: Option<String>,
}

pub(super) fn visit(fields: &Fields) -> Result<Visit, Invalid> {
    let visit = Visit {
        click: fields.text("clickId", MAX_ID)?,
        session: fields.text("sessionId", MAX_ID)?,
    };
    if visit.click.is_none() && visit.session.is_none() {
        return Err(Invalid::new("sessionId or clickId is required"));
    }
    Ok(visit)
}

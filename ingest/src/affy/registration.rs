//! A customer has signed up, found by the click.

use axum::{
    extract::{Request, State},
    response::Response,
};
use common::domain::{Body, Lead, MetaData};
use utoipa::ToSchema;

use super::{
    answer::AnswerContext,
    call::{Parsed, track},
    success::RegistrationLinked,
};
use crate::{Ingest, receipt::Pending};
use common::http::request::{Fields, Invalid, MAX_NAME, Preferences};

/// Link a sign-up to its click
#[utoipa::path(
    post,
    path = "/api/v1/tracking/registration",
    tag = "affy",
    security((), ("Bearer" = [])),
    params(Preferences),
    request_body(content = RegistrationBody, example = json!({
        "clickId": "click_unique_id", "email": "customer@example.com", "customerId": "your_internal_user_id",
        "customerName": "Jane Smith"
    })),
    responses(
        (status = 200, body = RegistrationLinked, example = json!({
            "success": true, "leadId": 456, "clickId": "click_unique_id",
            "message": "Registration linked to affiliate referral"
        })),
        Pending,
    )
)]
pub(super) async fn registration(State(ingest): State<Ingest>, request: Request) -> Response {
    track(&ingest, request, parse).await
}

#[derive(ToSchema)]
#[schema(as = affy::Registration, rename_all = "camelCase")]
#[expect(dead_code, reason = "describes what `parse` reads")]
struct RegistrationBody {
    click_id: String,
    session_id: Option<String>,
    #[schema(format = "email")]
    email: Option<String>,
    /// The merchant's own id of the customer.
    customer_id: Option<String>,
    customer_name: Option<String>,
    /// The organisation's.
    client_id: Option<i64>,
}

/// # Errors
/// Names the field that is missing or wrong.
fn parse(fields: &Fields) -> Result<Parsed, Invalid> {
    let click = fields.identity("clickId")?;
    let lead = Lead {
        click_ids: click.iter().cloned().collect(),
        session: fields.identity("sessionId")?,
        customer_id: fields.customer_id("customerId")?,
        email: fields.contact("email"),
        name: fields.remark("customerName", MAX_NAME),
        details: MetaData::new(),
    };
    if click.is_none() && lead.session.is_none() {
        return Err(fields.required("clickId"));
    }
    Ok(Parsed {
        body: Body::Lead(Box::new(lead)),
        context: AnswerContext::Registration { click },
    })
}

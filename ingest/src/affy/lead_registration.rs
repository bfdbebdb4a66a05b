//! A customer has signed up, found by the session or the click.

use axum::{
    extract::{Request, State},
    response::Response,
};
use common::domain::{Body, Lead, MetaData};
use utoipa::ToSchema;

use super::{
    answer::AnswerContext,
    call::{Parsed, track},
    success::LeadLinked,
    visit::{LeadType, Visit, Visitor, lead_type, visit},
};
use crate::{Ingest, receipt::Pending};
use common::http::request::{Fields, Invalid, MAX_NAME, Preferences};

/// A sign-up by session
#[utoipa::path(
    post,
    path = "/api/v1/tracking/lead/registration",
    tag = "affy",
    security((), ("Bearer" = [])),
    params(Preferences),
    request_body(content = RegistrationBody, example = json!({
        "clientId": 12345, "leadType": "REGISTRATION", "customerEmail": "customer@example.com",
        "customerName": "Jane Smith", "sessionId": "session_unique_id"
    })),
    responses(
        (status = 200, body = LeadLinked, example = json!({"success": true, "leadId": 456, "message": "Registration linked to affiliate referral"})),
        Pending,
    )
)]
pub(super) async fn lead_registration(State(ingest): State<Ingest>, request: Request) -> Response {
    track(&ingest, request, parse).await
}

#[derive(ToSchema)]
#[schema(as = affy::LeadRegistration, rename_all = "camelCase")]
#[expect(dead_code, reason = "describes what `parse` reads")]
struct RegistrationBody {
    #[serde(flatten)]
    visitor: Visitor,
    lead_type: Option<RegistrationType>,
}

#[derive(ToSchema)]
#[schema(as = affy::RegistrationType, rename_all = "UPPERCASE")]
#[expect(dead_code, reason = "the one word of a path")]
enum RegistrationType {
    Registration,
}

/// # Errors
/// Names the field that is missing or wrong.
fn parse(fields: &Fields) -> Result<Parsed, Invalid> {
    match lead_type(fields)? {
        Some(LeadType::Payment) => Err(fields.wrong("leadType", "must be REGISTRATION at this path")),
        Some(LeadType::Registration) | None => read(fields),
    }
}

pub(super) fn read(fields: &Fields) -> Result<Parsed, Invalid> {
    let Visit { click, session } = visit(fields)?;
    let lead = Lead {
        click_ids: click.into_iter().collect(),
        session,
        customer_id: fields.customer_id("customerId")?,
        email: fields.contact("customerEmail"),
        name: fields.remark("customerName", MAX_NAME),
        details: MetaData::new(),
    };
    Ok(Parsed {
        body: Body::Lead(Box::new(lead)),
        context: AnswerContext::Lead,
    })
}

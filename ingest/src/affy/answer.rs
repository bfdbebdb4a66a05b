//! How AFFY answers: one table of outcomes.

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use common::domain::{Applied, EventId, First, Outcome, Reason, Refusal};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::{ERRORS, request::Said};
use crate::{pipeline::Answer, receipt};
use common::http::{Rejection, request::json_number};

const LINKED: &str = "Registration linked to affiliate referral";
const PAID: &str = "Payment linked to affiliate referral";
const UNREFERRED: &str = "No affiliate referral found";

/// What the caller of `event` is told, who said `said`.
pub(super) fn print(event: EventId, said: &Said, answer: Answer) -> Response {
    match answer {
        Answer::Outcome(outcome) => print_outcome(event, said, &outcome),
        Answer::Accepted => receipt::accepted(event),
        Answer::Unavailable { retry_after } => ERRORS.print(&Rejection::Unavailable { retry_after }),
    }
}

fn print_outcome(event: EventId, said: &Said, outcome: &Outcome) -> Response {
    match outcome {
        Outcome::Applied(applied) => success(event, said, applied),
        Outcome::Refused(refusal) => refused(event, said, refusal),
        // Nothing that this caller can be told as final: the receipt says it when it is.
        Outcome::Parked | Outcome::Queued | Outcome::Dead(_) | Outcome::Discarded => receipt::accepted(event),
    }
}

fn success(event: EventId, said: &Said, applied: &Applied) -> Response {
    let body = match applied {
        Applied::Click(click) => json!({
            "success": true,
            "clickId": click.id.0,
            "sessionId": sent_session(said).or(click.session.as_deref()),
            "message": "Click tracked successfully",
        }),
        Applied::Lead(lead) => lead_body(said, Some(lead.customer.id.0), LINKED),
        Applied::Conversion(conversion) => payment_body(Some(conversion.id.0), conversion.amount, PAID),
        // No call of this dialect has such an effect.
        _ => return receipt::accepted(event),
    };
    Json(body).into_response()
}

fn refused(event: EventId, said: &Said, refusal: &Refusal) -> Response {
    let message = |status, text: &str| ERRORS.print_message(status, text);
    match (refusal.reason, said) {
        (Reason::IdempotentRepeat, _) => repeated(event, said, refusal.first.as_deref()),
        (Reason::IdempotencyConflict, _) => message(
            StatusCode::UNPROCESSABLE_ENTITY,
            "transactionId or Idempotency-Key was used before for another request",
        ),
        (Reason::DuplicateOrder, _) => duplicate(refusal),
        (Reason::NotAttributed | Reason::UnknownAffiliate, Said::Click { .. }) => {
            message(StatusCode::BAD_REQUEST, "affiliateReference is not known")
        }
        (Reason::AffiliateNotApproved, Said::Click { .. }) => message(
            StatusCode::BAD_REQUEST,
            "affiliateReference belongs to an affiliate who is not approved",
        ),
        (Reason::ClickTaken, _) => message(
            StatusCode::BAD_REQUEST,
            "clickId or sessionId belongs to another organization",
        ),
        (
            Reason::UnknownClick
            | Reason::NotAttributed
            | Reason::AffiliateNotApproved
            | Reason::WindowExpired,
            _,
        ) => unreferred(said, refusal),
        _ => message(StatusCode::BAD_REQUEST, &refusal.detail),
    }
}

/// The customer came by nobody: nothing is wrong with that (see the module's head).
fn unreferred(said: &Said, refusal: &Refusal) -> Response {
    let body = match said {
        Said::Click { .. } => return ERRORS.print_message(StatusCode::BAD_REQUEST, &refusal.detail),
        Said::Registration { .. } | Said::Lead => lead_body(said, None, UNREFERRED),
        Said::Payment { value, .. } => payment_body(None, *value, UNREFERRED),
    };
    Json(body).into_response()
}

/// The first outcome as if it were this one's, once there is one.
fn repeated(event: EventId, said: &Said, first: Option<&First>) -> Response {
    match first {
        Some(First {
            event_id,
            outcome: Some(outcome),
        }) => print_outcome(*event_id, said, outcome),
        Some(First {
            event_id,
            outcome: None,
        }) => receipt::accepted(*event_id),
        None => receipt::accepted(event),
    }
}

/// With what a caller learns whose first answer was lost.
fn duplicate(refusal: &Refusal) -> Response {
    let status = StatusCode::CONFLICT;
    let mut body = ERRORS.body(status, "transactionId has been recorded before");
    if let (Some(first), Some(body)) = (&refusal.first, body.as_object_mut()) {
        body.insert("event_id".to_owned(), first.event_id.to_string().into());
        if let Some(Outcome::Applied(Applied::Conversion(conversion))) = &first.outcome {
            body.insert("leadId".to_owned(), conversion.id.0.into());
            body.insert("leadValue".to_owned(), json_number(conversion.amount, 0));
        }
    }
    (status, Json(body)).into_response()
}

fn lead_body(said: &Said, lead: Option<i64>, message: &str) -> Value {
    let mut body = json!({"success": true, "leadId": lead, "message": message});
    if let (Said::Registration { click }, Some(body)) = (said, body.as_object_mut()) {
        body.insert("clickId".to_owned(), json!(click));
    }
    body
}

fn payment_body(lead: Option<i64>, value: Decimal, message: &str) -> Value {
    json!({
        "success": true,
        "leadId": lead,
        "leadValue": json_number(value, 0),
        "conversionSource": "TRACKING_API",
        "message": message,
    })
}

fn sent_session(said: &Said) -> Option<&str> {
    match said {
        Said::Click { session } => session.as_deref(),
        Said::Registration { .. } | Said::Lead | Said::Payment { .. } => None,
    }
}

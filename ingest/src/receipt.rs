//! Answers for events whose outcome is not known yet.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header::LOCATION},
    response::{IntoResponse, Response},
};
use common::domain::EventId;
use serde::Serialize;
use utoipa::{IntoResponses, ToSchema};

/// The event is durable and will be decided.
#[derive(Debug, Serialize, ToSchema)]
pub struct Receipt {
    event_id: EventId,
    status: Accepted,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ReceiptStatus)]
enum Accepted {
    Accepted,
}

/// For the description of every call that records one event.
#[derive(IntoResponses)]
#[response(
    status = 202,
    description = "Durable, but not decided in time: the receipt's path, `Location`, says what becomes of it.",
    headers(("Location" = String, description = "`/v1/events/{event_id}`")),
    example = json!({"event_id": "019339b1-5c5e-7cc3-8f6f-0d4c1a2b3c4d", "status": "accepted"})
)]
#[expect(dead_code, reason = "describes what `accepted` answers")]
pub(crate) struct Pending(Receipt);

/// `202`. Never looks like a dialect's success.
pub fn accepted(event: EventId) -> Response {
    let body = Receipt {
        event_id: event,
        status: Accepted::Accepted,
    };
    let mut response = (StatusCode::ACCEPTED, Json(body)).into_response();
    if let Ok(location) = HeaderValue::try_from(format!("/v1/events/{event}")) {
        response.headers_mut().insert(LOCATION, location);
    }
    response
}

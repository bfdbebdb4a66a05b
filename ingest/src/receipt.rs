//! Answers for events whose outcome is not known yet, or that could not be taken at all.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header::LOCATION},
    response::{IntoResponse, Response},
};
use common::domain::EventId;
use serde_json::json;

/// `202`: the event is durable and will be decided. Never looks like a dialect's success.
pub fn accepted(event: EventId) -> Response {
    let body = json!({"event_id": event, "status": "accepted"});
    let mut response = (StatusCode::ACCEPTED, Json(body)).into_response();
    if let Ok(location) = HeaderValue::try_from(format!("/v1/events/{event}")) {
        response.headers_mut().insert(LOCATION, location);
    }
    response
}

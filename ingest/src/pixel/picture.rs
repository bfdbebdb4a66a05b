//! The answer when the event is durable.

use axum::{
    http::{HeaderName, HeaderValue, StatusCode},
    response::Response,
};
use common::{domain::EventId, http::picture};

const EVENT_ID: HeaderName = HeaderName::from_static("x-event-id");

/// The event is durable.
pub(super) fn recorded(event: EventId) -> Response {
    let mut response = picture(StatusCode::OK);
    if let Ok(id) = HeaderValue::try_from(event.to_string()) {
        response.headers_mut().insert(EVENT_ID, id);
    }
    response
}

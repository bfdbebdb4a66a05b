//! The answer: always the same picture.

use axum::{
    http::{
        HeaderName, HeaderValue, StatusCode,
        header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER},
    },
    response::{IntoResponse, Response},
};
use common::domain::EventId;

use common::http::Rejection;

/// One transparent dot: GIF89a, 1 × 1, two colours.
pub(crate) const GIF: [u8; 43] = *b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff\
    !\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;";

const EVENT_ID: HeaderName = HeaderName::from_static("x-event-id");
const ERROR: HeaderName = HeaderName::from_static("x-pixel-error");

/// The picture and nothing else.
pub(super) fn plain(status: StatusCode) -> Response {
    let headers = [(CONTENT_TYPE, "image/gif"), (CACHE_CONTROL, "no-store")];
    (status, headers, &GIF[..]).into_response()
}

/// The event is durable.
pub(super) fn recorded(event: EventId) -> Response {
    let mut response = plain(StatusCode::OK);
    if let Ok(id) = HeaderValue::try_from(event.to_string()) {
        response.headers_mut().insert(EVENT_ID, id);
    }
    response
}

/// Nothing was recorded, and why.
pub(crate) fn turned_away(rejection: &Rejection) -> Response {
    let mut response = plain(rejection.status());
    let headers = response.headers_mut();
    if let Ok(reason) = HeaderValue::try_from(rejection.to_string()) {
        headers.insert(ERROR, reason);
    }
    if let Some(wait) = rejection.retry_after() {
        headers.insert(RETRY_AFTER, HeaderValue::from(wait.as_secs().max(1)));
    }
    response
}

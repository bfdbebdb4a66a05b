//! The shape of a pixel's answers: always the same picture, so that no page shows a broken one. Its status is honest.

use axum::{
    http::{
        HeaderName, HeaderValue, StatusCode,
        header::{CACHE_CONTROL, CONTENT_TYPE},
    },
    response::{IntoResponse, Response},
};

/// One transparent dot: GIF89a, 1 × 1, two colours.
pub const GIF: [u8; 43] = *b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff\
    !\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;";

const ERROR: HeaderName = HeaderName::from_static("x-pixel-error");

/// The picture and nothing else.
pub fn picture(status: StatusCode) -> Response {
    let headers = [(CONTENT_TYPE, "image/gif"), (CACHE_CONTROL, "no-store")];
    (status, headers, &GIF[..]).into_response()
}

/// The picture, with the reason in a header.
pub(super) fn refused(status: StatusCode, message: &str) -> Response {
    let mut response = picture(status);
    if let Ok(reason) = HeaderValue::try_from(message) {
        response.headers_mut().insert(ERROR, reason);
    }
    response
}

//! Answers that may show a secret: nobody between us and the caller keeps them, nor does the caller's own cache.

use axum::{
    http::{HeaderValue, header::CACHE_CONTROL},
    response::{IntoResponse, Response},
};

/// The same answer with `Cache-Control: no-store`.
pub(crate) fn not_stored(answer: impl IntoResponse) -> Response {
    let mut answer = answer.into_response();
    let no_store = HeaderValue::from_static("no-store");
    answer.headers_mut().insert(CACHE_CONTROL, no_store);
    answer
}

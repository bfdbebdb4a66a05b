//! What the service offers, as OpenAPI 3.1 at `/openapi.json` and for people at `/docs`. Nobody needs a key to read it.
//!
//! One table of operations per dialect; a test compares them with the routes of the handlers.

mod document;
#[cfg(test)]
mod field_tests;
mod operation;
mod page;
mod schema;
mod tables;
#[cfg(test)]
mod tests;

use std::sync::LazyLock;

use axum::{Router, http::header::CONTENT_TYPE, response::IntoResponse, routing::get};
use bytes::Bytes;

static DOCUMENT: LazyLock<Bytes> = LazyLock::new(|| document::document().to_string().into());
static PAGE: LazyLock<Bytes> = LazyLock::new(|| page::page().into());

/// `/openapi.json` and `/docs`.
pub(crate) fn router() -> Router {
    Router::new()
        .route("/openapi.json", get(openapi))
        .route("/docs", get(docs))
}

async fn openapi() -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json")], DOCUMENT.clone())
}

async fn docs() -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/html; charset=utf-8")], PAGE.clone())
}

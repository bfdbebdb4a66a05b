//! Affitor's reads for integrators: have my test events come, is my program ready, and how does it do?
//!
//! Errors are flat, `{"error": "…"}`, as everywhere in this dialect.

mod check_test_events;
mod program;
mod readiness;

use std::sync::Arc;

use axum::{
    body::Body,
    extract::DefaultBodyLimit,
    http::{StatusCode, header::CONTENT_LENGTH},
    middleware::{from_fn_with_state, map_response},
    response::Response,
};
use common::{db::keys::Scope, http::PrintedError};
use serde_json::json;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Api,
    auth::{Guard, guard},
};

/// As the tracking calls.
const MAX_BODY_BYTES: usize = 64 * 1024;

pub(crate) fn router(api: &Arc<Api>) -> OpenApiRouter<Arc<Api>> {
    let needs = Guard {
        api: Arc::clone(api),
        scopes: &[Scope::Read, Scope::Ingest],
    };
    OpenApiRouter::default()
        .routes(routes!(readiness::readiness))
        .merge(program::routes())
        .route_layer(from_fn_with_state(needs, guard))
        .routes(routes!(check_test_events::check_test_events))
        .route_layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .route_layer(map_response(flat))
}

/// The dialect's word for a missing or wrong key (seed: Affitor, error reference).
const INVALID_KEY: &str = "Invalid API token";

async fn flat(mut response: Response) -> Response {
    if let Some(PrintedError { message, .. }) = response.extensions_mut().remove() {
        let is_unknown = response.status() == StatusCode::UNAUTHORIZED;
        let message = if is_unknown { INVALID_KEY } else { message.as_str() };
        *response.body_mut() = Body::from(json!({"error": message}).to_string());
        response.headers_mut().remove(CONTENT_LENGTH);
    }
    response
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse;

    use super::*;
    use crate::Problem;

    #[tokio::test]
    async fn errors_are_flat_and_keep_their_headers() {
        let mut refused = Problem::bad_request("program_id is required").into_response();
        refused.headers_mut().insert("x-ratelimit-limit", 7.into());
        let flat = flat(refused).await;
        assert_eq!(flat.status(), 400);
        assert_eq!(flat.headers()["x-ratelimit-limit"], "7");
        assert_eq!(flat.headers()["content-type"], "application/json");
        let body = axum::body::to_bytes(flat.into_body(), 1_000).await.unwrap();
        assert_eq!(body, r#"{"error":"program_id is required"}"#);
        let unknown = super::flat(Problem::unauthenticated().into_response()).await;
        assert_eq!(unknown.status(), 401);
        let body = axum::body::to_bytes(unknown.into_body(), 1_000).await.unwrap();
        assert_eq!(body, r#"{"error":"Invalid API token"}"#);
    }
}

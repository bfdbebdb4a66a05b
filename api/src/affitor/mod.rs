//! Affitor's reads for integrators: have my test events come, is my program ready, and how does it do?
//!
//! Errors are flat, `{"error": "…"}`, as everywhere in this dialect.

mod check_test_events;
mod program;
mod readiness;

use std::sync::Arc;

use axum::{
    http::{StatusCode, header::CONTENT_LENGTH},
    middleware::{from_fn_with_state, map_response},
    response::Response,
};
use common::{
    db::keys::Scope,
    http::{DialectErrors, PrintedError},
};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Api,
    auth::{Guard, guard},
};

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
        .route_layer(map_response(flat))
}

/// The dialect's word for a missing or wrong key (seed: Affitor, error reference).
const INVALID_KEY: &str = "Invalid API token";

async fn flat(mut response: Response) -> Response {
    let Some(printed) = response.extensions_mut().remove::<PrintedError>() else {
        return response;
    };
    let status = response.status();
    let is_unknown = status == StatusCode::UNAUTHORIZED;
    let message = if is_unknown {
        INVALID_KEY
    } else {
        printed.message.as_str()
    };
    let mut flat = DialectErrors::Affitor.print_message(status, message);
    // Who looks at what was turned away reads it from there.
    if let Some(flat) = flat.extensions_mut().get_mut::<PrintedError>() {
        flat.field.clone_from(&printed.field);
    }
    for (name, value) in response.headers() {
        if name != CONTENT_LENGTH {
            flat.headers_mut().insert(name, value.clone());
        }
    }
    flat
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

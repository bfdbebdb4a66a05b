//! All routes, and what is answered where there is none.

use std::sync::Arc;

use axum::{Router, middleware::from_fn};
use common::http::cors;

use crate::{
    Api, affitor, affy, health, openapi, rest,
    rest::error::{method_not_allowed, not_found},
    v1,
};

/// All routes: [`routes`], [`health()`] and their description.
pub fn router(api: Api) -> Router {
    let health = health(api.health.clone());
    routes(api).merge(health).merge(openapi::router())
}

/// What a process of this role alone answers where there is no route, and to pages of other origins.
pub fn with_fallbacks(router: Router) -> Router {
    router
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(from_fn(cors))
}

/// The routes that read; all but AFFY's status and Affitor's look for test events need a key. A process that also serves the
/// ingest's health merges these alone.
pub fn routes(api: Api) -> Router {
    let api = Arc::new(api);
    Router::new()
        .merge(affy::status::router())
        .merge(v1::receipts::router(&api))
        .merge(v1::explain::router(&api))
        .merge(rest::router(&api))
        .merge(affitor::router(&api))
        .with_state(api)
}

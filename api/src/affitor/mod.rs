//! Affitor's reads for integrators: have my test events come, is my program ready, and how does it do?
//!
//! Errors are flat, `{"error": "…"}`, as everywhere in this dialect.

mod check_test_events;
mod program;
mod readiness;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::{
    middleware::{from_fn_with_state, map_response},
    response::Response,
};
use common::{db::keys::Scope, http::DialectErrors};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Api,
    auth::{Guard, guard, guard_if_sent},
    in_dialect::in_dialect,
};

pub(crate) fn router(api: &Arc<Api>) -> OpenApiRouter<Arc<Api>> {
    let needs = Guard {
        api: Arc::clone(api),
        scopes: &[Scope::Read, Scope::Ingest],
    };
    let open = OpenApiRouter::default()
        .routes(routes!(check_test_events::check_test_events))
        .route_layer(from_fn_with_state(needs.clone(), guard_if_sent));
    OpenApiRouter::default()
        .routes(routes!(readiness::readiness))
        .merge(program::routes())
        .route_layer(from_fn_with_state(needs, guard))
        .merge(open)
        .route_layer(map_response(async |response: Response| {
            in_dialect(DialectErrors::Affitor, response)
        }))
}

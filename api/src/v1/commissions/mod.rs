//! Approving, disapproving and recalculating many commissions at once.

mod decide;
mod recalculate;
#[cfg(test)]
mod recalculate_tests;
mod shared;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::middleware::{from_fn, from_fn_with_state};
use common::db::keys::Scope;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Api,
    auth::{Guard, guard},
    write::to_its_end,
};

pub(crate) fn router(api: &Arc<Api>) -> OpenApiRouter<Arc<Api>> {
    let needs = Guard {
        api: Arc::clone(api),
        scopes: &[Scope::Manage],
    };
    OpenApiRouter::default()
        .routes(routes!(decide::approve))
        .routes(routes!(decide::disapprove))
        .routes(routes!(recalculate::recalculate))
        .route_layer(from_fn(to_its_end))
        .route_layer(from_fn_with_state(needs, guard))
}

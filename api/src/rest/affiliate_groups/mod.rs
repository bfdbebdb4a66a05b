//! Groups of affiliates (seed: REST 1.6).

mod create;
mod group;
mod list;
#[cfg(test)]
mod tests;
mod update;

use std::sync::Arc;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::Api;

pub(super) fn reads() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::default().routes(routes!(list::list))
}

pub(super) fn writes() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::default()
        .routes(routes!(create::create))
        .routes(routes!(update::update))
}

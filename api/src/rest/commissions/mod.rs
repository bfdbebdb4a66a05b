//! Commissions of REST 1.6.

mod approve;
mod edit;
mod list;
mod retrieve;
#[cfg(test)]
mod tests;
mod update;

use std::sync::Arc;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::Api;

pub(super) fn reads() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::default()
        .routes(routes!(list::list))
        .routes(routes!(retrieve::retrieve))
}

pub(super) fn writes() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::default()
        .routes(routes!(update::update))
        .routes(routes!(approve::approve))
        .routes(routes!(approve::disapprove))
}

//! How affiliates want to be paid (seed: REST 1.6).

mod list;
mod method;
mod retrieve;
mod set;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::Api;

pub(super) fn reads() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::default()
        .routes(routes!(list::list))
        .routes(routes!(retrieve::retrieve))
}

pub(super) fn writes() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::default().routes(routes!(set::set))
}

//! Affiliates in programs of REST 1.6: who takes part, with which coupon, and whether approved.

mod approve;
mod change;
mod create;
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
        .routes(routes!(create::create))
        .routes(routes!(update::update))
        .routes(routes!(approve::approve, approve::disapprove))
}

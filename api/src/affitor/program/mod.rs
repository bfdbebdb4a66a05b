//! How a program does: `GET /api/tracking/{status,events,performance}/{programId}`.
//!
//! The original promises them and publishes no shapes: these are in its envelope, with ids and cents as its tracking calls have
//! them.

mod events;
mod named;
mod performance;
mod status;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::Api;

pub(super) fn routes() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::default()
        .routes(routes!(status::program_status))
        .routes(routes!(events::program_events))
        .routes(routes!(performance::program_performance))
}

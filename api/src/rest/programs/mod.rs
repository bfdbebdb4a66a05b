//! Programs of REST 1.6, and the rules that hold in them now.

mod bonuses;
mod commission_types;
mod levels;
mod list;
mod of_path;
mod program;
mod rate;
mod retrieve;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::Api;

pub(super) fn reads() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::default()
        .routes(routes!(list::list))
        .routes(routes!(retrieve::retrieve))
        .routes(routes!(commission_types::list))
        .routes(routes!(levels::list))
        .routes(routes!(bonuses::list))
}

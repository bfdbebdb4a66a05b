//! Balances of REST 1.6.

mod list;
mod of_affiliate;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::Api;

pub(super) fn reads() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::default()
        .routes(routes!(list::list))
        .routes(routes!(of_affiliate::of_affiliate))
}

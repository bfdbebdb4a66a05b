//! Customers, once they are recorded, as REST 1.6 has them.

mod delete;
mod edit;
mod list;
mod meta_data;
mod retrieve;
mod status;
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
        .routes(routes!(meta_data::retrieve))
        .routes(routes!(meta_data::retrieve_by_key))
}

pub(super) fn writes() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::default()
        .routes(routes!(update::update))
        .routes(routes!(delete::delete))
        .routes(routes!(status::cancel))
        .routes(routes!(status::uncancel))
        .routes(routes!(meta_data::replace))
        .routes(routes!(meta_data::set_by_key))
        .routes(routes!(meta_data::delete_by_key))
}

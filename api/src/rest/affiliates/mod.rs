//! Affiliates of REST 1.6: who they are, their groups, parents, meta data and programs.
//!
//! A key that is bound to a program sees who takes part in it; what holds for the whole organisation it does not change.

mod change;
mod create;
mod delete;
mod group;
mod list;
mod meta_data;
mod parent;
mod programs;
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
        .routes(routes!(meta_data::retrieve))
        .routes(routes!(meta_data::retrieve_by_key))
        .routes(routes!(programs::programs))
}

pub(super) fn writes() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::default()
        .routes(routes!(create::create))
        .routes(routes!(delete::delete))
        .routes(routes!(group::set, group::remove))
        .routes(routes!(parent::set, parent::replace, parent::remove))
        .routes(routes!(meta_data::replace))
        .routes(routes!(meta_data::set_by_key, meta_data::delete_by_key))
}

//! The catalog of an organisation, in the words of the catalog file: read and changed by whoever holds a key with the scope admin.
//!
//! A request is a table of the file as JSON, and goes the way of a file: the same reader, the same checks, the same writer. Here are
//! the descriptions of the calls; `thing` does what all of them do.

mod assets;
mod bonuses;
mod commission_types;
mod custom_fields;
mod hosts;
mod levels;
mod org;
mod own_rates;
mod pixel_keys;
mod programs;
#[cfg(test)]
mod tests;
mod thing;

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
        scopes: &[Scope::Admin],
    };
    reads()
        .merge(writes().route_layer(from_fn(to_its_end)))
        .route_layer(from_fn_with_state(needs, guard))
}

fn reads() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::default()
        .routes(routes!(org::show_org))
        .routes(routes!(programs::list_programs))
        .routes(routes!(programs::show_program))
        .routes(routes!(commission_types::list_commission_types))
        .routes(routes!(commission_types::show_commission_type))
        .routes(routes!(levels::list_levels))
        .routes(routes!(levels::show_level))
        .routes(routes!(bonuses::list_bonuses))
        .routes(routes!(bonuses::show_bonus))
        .routes(routes!(custom_fields::list_custom_fields))
        .routes(routes!(custom_fields::show_custom_field))
        .routes(routes!(own_rates::show_own_rate))
        .routes(routes!(hosts::list_hosts))
        .routes(routes!(assets::list_assets))
        .routes(routes!(pixel_keys::list_pixel_keys))
}

fn writes() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::default()
        .routes(routes!(org::change_org))
        .routes(routes!(programs::create_program))
        .routes(routes!(programs::change_program))
        .routes(routes!(programs::retire_program))
        .routes(routes!(commission_types::create_commission_type))
        .routes(routes!(commission_types::change_commission_type))
        .routes(routes!(commission_types::retire_commission_type))
        .routes(routes!(levels::create_level))
        .routes(routes!(levels::change_level))
        .routes(routes!(levels::retire_level))
        .routes(routes!(bonuses::create_bonus))
        .routes(routes!(bonuses::change_bonus))
        .routes(routes!(bonuses::retire_bonus))
        .routes(routes!(custom_fields::create_custom_field))
        .routes(routes!(custom_fields::change_custom_field))
        .routes(routes!(custom_fields::retire_custom_field))
        .routes(routes!(own_rates::change_own_rate))
        .routes(routes!(hosts::add_host))
        .routes(routes!(hosts::remove_host))
        .routes(routes!(assets::add_asset))
        .routes(routes!(assets::remove_asset))
        .routes(routes!(pixel_keys::create_pixel_key))
        .routes(routes!(pixel_keys::change_pixel_key))
        .routes(routes!(pixel_keys::rotate_pixel_key))
        .routes(routes!(pixel_keys::revoke_pixel_key))
}

//! The API keys of an organisation: listed, made and revoked by whoever holds one with the scope admin.

mod create;
mod list;
mod revoke;
#[cfg(test)]
mod tests;
mod view;

use std::sync::Arc;

use axum::{
    http::StatusCode,
    middleware::{from_fn, from_fn_with_state},
};
use common::db::keys::{KeyError, Scope};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Api, Problem,
    auth::{Guard, guard},
    write::to_its_end,
};

pub(crate) fn router(api: &Arc<Api>) -> OpenApiRouter<Arc<Api>> {
    let needs = Guard {
        api: Arc::clone(api),
        scopes: &[Scope::Admin],
    };
    let writes = OpenApiRouter::default()
        .routes(routes!(create::create_key))
        .routes(routes!(revoke::revoke_key))
        .route_layer(from_fn(to_its_end));
    OpenApiRouter::default()
        .routes(routes!(list::list_keys))
        .merge(writes)
        .route_layer(from_fn_with_state(needs, guard))
}

impl From<KeyError> for Problem {
    fn from(error: KeyError) -> Self {
        match error {
            KeyError::Database(error) => error.into(),
            KeyError::UnknownProgram { .. } => Self::bad_request("program is not one of this organisation"),
            KeyError::UnknownOrg(_) | KeyError::UnknownKey { .. } => Self::not_found(),
            KeyError::Ambiguous { .. } => {
                Self::new(StatusCode::CONFLICT, "several keys begin so: name one by its id")
            }
        }
    }
}

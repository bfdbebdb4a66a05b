//! The API keys of an organisation: listed, made and revoked by whoever holds one with the scope admin.

mod create;
mod list;
mod revoke;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::{
    http::StatusCode,
    middleware::{from_fn, from_fn_with_state},
};
use common::db::keys::{KeyError, KeyRow, Scope};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Api, Problem,
    auth::{Guard, guard},
    json::time,
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

/// A key, without what makes it one.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = native::Key)]
struct KeyView {
    id: i64,
    /// Its first characters.
    hint: String,
    name: String,
    /// `ingest`, `read`, `manage`, `replay`, `admin`.
    scopes: Vec<String>,
    /// The one program that it sees; null: all.
    #[schema(required)]
    program: Option<String>,
    owner: String,
    owner_id: String,
    timezone: String,
    rate_per_minute: i32,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(required, format = DateTime)]
    revoked_at: Option<String>,
}

impl From<KeyRow> for KeyView {
    fn from(row: KeyRow) -> Self {
        Self {
            id: row.key_id,
            hint: row.hint,
            name: row.name,
            scopes: row.scopes,
            program: row.program,
            owner: row.owner,
            owner_id: row.owner_id,
            timezone: row.timezone,
            rate_per_minute: row.rate_per_minute,
            created_at: time(row.created_at),
            revoked_at: row.revoked_at.map(time),
        }
    }
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

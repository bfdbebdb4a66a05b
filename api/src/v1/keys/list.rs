//! `GET /v1/keys`

use std::sync::Arc;

use axum::{Extension, Json, extract::State};
use common::db::keys::{self, ApiKey};
use serde::Serialize;
use utoipa::ToSchema;

use super::view::KeyView;
use crate::{Api, Problem, auth::needs_whole_organisation, rest::pages::NoPages};

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = native::Keys)]
pub(super) struct Keys {
    keys: Vec<KeyView>,
}

/// List API keys
// Revoked ones too, the oldest first.
#[utoipa::path(
    get,
    path = "/v1/keys",
    tag = "native",
    security(("XApiKey" = []), ("Bearer" = [])),
    responses((status = 200, body = Keys, example = json!({"keys": [{
        "id": 7, "hint": "ck_live_4fT9xQ2a", "name": "shop backend", "scopes": ["ingest", "read"], "program": null,
        "owner": "John Tapper", "owner_id": "johntapper", "timezone": "Europe/Amsterdam", "rate_per_minute": 100_000,
        "repeats": "documented",
        "created_at": "2026-11-21T15:00:00.000Z", "revoked_at": null
    }]})))
)]
pub(super) async fn list_keys(
    State(api): State<Arc<Api>>,
    Extension(key): Extension<ApiKey>,
    NoPages: NoPages,
) -> Result<Json<Keys>, Problem> {
    needs_whole_organisation(&key)?;
    let mut conn = api.connection().await?;
    let rows = keys::list(&mut conn, &key.org_slug).await?;
    let keys = rows.into_iter().map(KeyView::from).collect();
    Ok(Json(Keys { keys }))
}

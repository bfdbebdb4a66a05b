//! `DELETE /v1/keys/{id}`

use std::sync::Arc;

use axum::{extract::State, http::StatusCode, response::Response};
use common::{catalog::change::keys, http::request::IdempotencyKey};

use super::view::KeyView;
use crate::{
    Api, Problem,
    auth::needs_whole_organisation,
    path_id::PathId,
    write::{Call, Change, begin, finish},
};

/// Revoke an API key
// Requests with it are answered 401 within seconds; this cannot be undone. Again it changes nothing.
#[utoipa::path(
    delete,
    path = "/v1/keys/{id}",
    tag = "native",
    security(("XApiKey" = []), ("Bearer" = [])),
    params(("id" = String, Path, description = "Its number, or its first characters as the list shows them.", example = "8"), IdempotencyKey),
    responses((status = 200, body = KeyView, example = json!({
        "id": 8, "hint": "ck_live_4fT9xQ2a", "name": "reports", "scopes": ["read"], "program": "partner-program",
        "owner": "John Tapper", "owner_id": "johntapper", "timezone": "Europe/Amsterdam", "rate_per_minute": 100_000,
            "repeats": "documented",
        "created_at": "2026-11-21T15:00:00.000Z", "revoked_at": "2026-11-22T09:00:00.000Z"
    })))
)]
pub(super) async fn revoke_key(
    State(api): State<Arc<Api>>,
    PathId(id): PathId,
    call: Call,
) -> Result<Response, Problem> {
    needs_whole_organisation(&call.key)?;
    if id.contains('\0') {
        return Err(Problem::not_found());
    }
    let mut change = match begin(&api, &call).await? {
        Change::Fresh(change) => change,
        Change::Repeated(answer) => return Ok(answer),
    };
    let row = keys::revoke(&mut change, &call.key.org_slug, &id).await?;
    finish(change, StatusCode::OK, Some(&KeyView::from(row))).await
}

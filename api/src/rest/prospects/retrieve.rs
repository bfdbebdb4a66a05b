//! `GET /1.6/affiliate-prospects/{id}/`

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::State,
    response::{IntoResponse, Response},
};
use common::{db::keys::ApiKey, http::openapi::example, reads::rest::prospects};

use super::prospect::{PROSPECT_EXAMPLE, Prospect};
use crate::{Api, Problem, path_id::PathId, rest::params::is_storable};

/// Retrieve an affiliate prospect
#[utoipa::path(
    get,
    path = "/1.6/affiliate-prospects/{id}",
    operation_id = "prospect",
    tag = "rest",
    security(("XApiKey" = [])),
    params(("id" = String, Path, description = "The prospect's id.", example = "peterprospect")),
    responses((status = 200, body = Prospect<'_>, example = json!(example(PROSPECT_EXAMPLE))))
)]
pub(super) async fn retrieve(
    State(api): State<Arc<Api>>,
    Extension(key): Extension<ApiKey>,
    PathId(id): PathId,
) -> Result<Response, Problem> {
    if !is_storable(&id) {
        return Err(Problem::not_found());
    }
    let mut conn = api.connection().await?;
    let prospect = prospects::find(&mut conn, key.org, key.program, &id).await?;
    let prospect = prospect.ok_or_else(Problem::not_found)?;
    Ok(Json(Prospect::from(&prospect)).into_response())
}

//! `GET /1.6/programs/{id}/`

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::State,
    response::{IntoResponse, Response},
};
use common::{db::keys::ApiKey, http::openapi::example, reads::rest::programs};

use super::program::{PROGRAM_EXAMPLE, Program};
use crate::{Api, Problem, path_id::PathId, rest::params::is_storable};

/// Retrieve a program
#[utoipa::path(
    get,
    path = "/1.6/programs/{id}",
    operation_id = "program",
    tag = "rest",
    security(("XApiKey" = [])),
    params(("id" = String, Path, description = "The program's id.", example = "johns-affiliate-program")),
    responses((status = 200, body = Program<'_>, example = json!(example(PROGRAM_EXAMPLE))))
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
    let program = programs::find(&mut conn, key.org, key.program, &id).await?;
    let program = program.ok_or_else(Problem::not_found)?;
    Ok(Json(Program::from(&program)).into_response())
}

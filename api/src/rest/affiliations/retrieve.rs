//! `GET /1.6/programs/{program_id}/affiliates/{affiliate_id}/`

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::State,
    response::{IntoResponse, Response},
};
use common::{
    db::keys::ApiKey,
    http::openapi::example,
    reads::rest::affiliations,
    tapfiliate_json::{AFFILIATE_IN_PROGRAM_EXAMPLE, InProgram},
};

use super::change::program;
use crate::{Api, Problem, path_id::PathIdAndKey, rest::params::is_storable};

/// An affiliate in a program
// Also one who is not approved.
#[utoipa::path(
    get,
    path = "/1.6/programs/{program_id}/affiliates/{affiliate_id}",
    tag = "rest",
    security(("XApiKey" = [])),
    params(
        ("program_id" = String, Path, description = "The program's id.", example = "johns-affiliate-program"),
        ("affiliate_id" = String, Path, description = "The affiliate's id.", example = "janejameson")
    ),
    responses((status = 200, body = InProgram<'_>, example = json!(example(AFFILIATE_IN_PROGRAM_EXAMPLE))))
)]
pub(super) async fn retrieve(
    State(api): State<Arc<Api>>,
    Extension(key): Extension<ApiKey>,
    PathIdAndKey(program_id, affiliate): PathIdAndKey,
) -> Result<Response, Problem> {
    if !is_storable(&affiliate) {
        return Err(Problem::not_found());
    }
    let mut conn = api.connection().await?;
    let program = program(&mut conn, &key, &program_id).await?;
    let found = affiliations::find(&mut conn, key.org, program, &affiliate).await?;
    let found = found.ok_or_else(Problem::not_found)?;
    Ok(Json(InProgram::from(&found)).into_response())
}

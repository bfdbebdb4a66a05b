//! `GET /1.6/affiliates/{id}/programs/`

use std::sync::Arc;

use axum::{Extension, extract::State, response::Response};
use common::{
    db::keys::ApiKey, http::openapi::example, reads::rest::affiliations, tapfiliate_json::JoinedProgram,
};

use super::retrieve::find;
use crate::{
    Api, Problem,
    path_id::PathId,
    rest::pages::{PageParams, PageRequest},
};

/// The programs of an affiliate
// Newest first, 25 a page; also those in which it is not approved.
#[utoipa::path(
    get,
    path = "/1.6/affiliates/{id}/programs",
    tag = "rest",
    security(("XApiKey" = [])),
    params(("id" = String, Path, description = "The affiliate's id.", example = "janejameson"), PageParams),
    responses((
        status = 200,
        body = Vec<JoinedProgram<'_>>,
        headers(("Link" = String, description = "The pages `next`, `last`, `first` and `prev`, where there are any.")),
        example = json!([example(include_str!("../examples/joined_program.json"))])
    ))
)]
pub(super) async fn programs(
    State(api): State<Arc<Api>>,
    Extension(key): Extension<ApiKey>,
    PathId(id): PathId,
    request: PageRequest,
) -> Result<Response, Problem> {
    find(&api, &key, &id).await?;
    let mut conn = api.connection().await?;
    let page = affiliations::programs_of(&mut conn, key.org, key.program, &id, request.number).await?;
    Ok(request.answer(&page, JoinedProgram::from))
}

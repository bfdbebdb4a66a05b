//! `GET /1.6/affiliates/{id}/notes/`

use std::sync::Arc;

use axum::{Extension, extract::State, response::Response};
use common::{db::keys::ApiKey, http::openapi::example, reads::rest::notes};

use super::note::{NOTE_EXAMPLE, Note};
use crate::{
    Api, Problem,
    path_id::PathId,
    rest::{
        affiliates_of_key::affiliate_of,
        pages::{PageParams, PageRequest},
    },
};

/// List notes
// Latest first, 25 a page.
#[utoipa::path(
    get,
    path = "/1.6/affiliates/{id}/notes",
    operation_id = "notes",
    tag = "rest",
    security(("XApiKey" = [])),
    params(("id" = String, Path, description = "The affiliate's id.", example = "janejameson"), PageParams),
    responses((
        status = 200,
        body = Vec<Note<'_>>,
        headers(("Link" = String, description = "The pages `next`, `last`, `first` and `prev`, where there are any.")),
        example = json!([example(NOTE_EXAMPLE)])
    ))
)]
pub(super) async fn list(
    State(api): State<Arc<Api>>,
    Extension(key): Extension<ApiKey>,
    PathId(id): PathId,
    request: PageRequest,
) -> Result<Response, Problem> {
    let mut conn = api.connection().await?;
    let affiliate = affiliate_of(&mut conn, &key, &id).await?;
    let page = notes::list(&mut conn, key.org, affiliate, request.number).await?;
    Ok(request.answer(&page, Note::from))
}

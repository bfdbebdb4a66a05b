//! `GET /1.6/conversions/{id}/`

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::State,
    response::{IntoResponse, Response},
};
use common::{
    db::keys::ApiKey,
    http::openapi::example,
    tapfiliate_json::{CONVERSION_EXAMPLE, Conversion},
};

use super::edit::find;
use crate::{Api, Problem, path_id::PathId};

/// A conversion
// By its number or its `cv_` id.
#[utoipa::path(
    get,
    path = "/1.6/conversions/{id}",
    tag = "rest",
    security(("XApiKey" = [])),
    params(("id" = String, Path, description = "Its number or its `cv_` id.", example = "1")),
    responses((status = 200, body = Conversion<'_>, example = json!(example(CONVERSION_EXAMPLE))))
)]
pub(super) async fn retrieve(
    State(api): State<Arc<Api>>,
    Extension(key): Extension<ApiKey>,
    PathId(id): PathId,
) -> Result<Response, Problem> {
    let conversion = find(&api, &key, &id).await?.ok_or_else(Problem::not_found)?;
    Ok(Json(Conversion::from(&conversion)).into_response())
}

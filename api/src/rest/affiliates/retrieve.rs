//! `GET /1.6/affiliates/{id}/`

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::State,
    response::{IntoResponse, Response},
};
use common::{
    db::keys::ApiKey,
    domain::affiliate::AffiliateRecord,
    http::openapi::example,
    reads::rest::affiliates,
    tapfiliate_json::{AFFILIATE_EXAMPLE, AffiliateProfile},
};

use crate::{Api, Problem, path_id::PathId, rest::params::is_storable};

/// An affiliate
#[utoipa::path(
    get,
    path = "/1.6/affiliates/{id}",
    tag = "rest",
    security(("XApiKey" = [])),
    params(("id" = String, Path, description = "The affiliate's id.", example = "janejameson")),
    responses((status = 200, body = AffiliateProfile<'_>, example = json!(example(AFFILIATE_EXAMPLE))))
)]
pub(super) async fn retrieve(
    State(api): State<Arc<Api>>,
    Extension(key): Extension<ApiKey>,
    PathId(id): PathId,
) -> Result<Response, Problem> {
    let affiliate = find(&api, &key, &id).await?;
    Ok(Json(AffiliateProfile::from(&affiliate)).into_response())
}

/// The affiliate with that id, if the key may see it.
///
/// # Errors
/// 404, 503.
pub(super) async fn find(api: &Api, key: &ApiKey, id: &str) -> Result<AffiliateRecord, Problem> {
    if !is_storable(id) {
        return Err(Problem::not_found());
    }
    let mut conn = api.connection().await?;
    let found = affiliates::find(&mut conn, key.org, key.program, id).await?;
    found.ok_or_else(Problem::not_found)
}

//! `GET /1.6/affiliates/{id}/payout-methods/{payout_method_id}/`

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::State,
    response::{IntoResponse, Response},
};
use common::{db::keys::ApiKey, http::openapi::example, reads::rest::payout_methods::of_affiliate};

use super::method::{METHOD_EXAMPLE, Method, is_method};
use crate::{Api, Problem, path_id::PathIdAndKey, rest::affiliates_of_key::affiliate_of};

/// Retrieve a payout method
// 404 for one that the affiliate has not set.
#[utoipa::path(
    get,
    path = "/1.6/affiliates/{id}/payout-methods/{payout_method_id}",
    operation_id = "payout_method",
    tag = "rest",
    security(("XApiKey" = [])),
    params(
        ("id" = String, Path, description = "The affiliate's id.", example = "janejameson"),
        ("payout_method_id" = String, Path, description = "The payout method.", example = "paypal")
    ),
    responses((status = 200, body = Method<'_>, example = json!(example(METHOD_EXAMPLE))))
)]
pub(super) async fn retrieve(
    State(api): State<Arc<Api>>,
    Extension(key): Extension<ApiKey>,
    PathIdAndKey(id, method): PathIdAndKey,
) -> Result<Response, Problem> {
    if !is_method(&method) {
        return Err(Problem::not_found());
    }
    let mut conn = api.connection().await?;
    let affiliate = affiliate_of(&mut conn, &key, &id).await?;
    let found = of_affiliate(&mut conn, key.org, affiliate, Some(&method))
        .await?
        .pop();
    let found = found.ok_or_else(Problem::not_found)?;
    Ok(Json(Method::from(&found)).into_response())
}

//! `GET /1.6/affiliates/{id}/payout-methods/`

use std::sync::Arc;

use axum::{Extension, extract::State, response::Response};
use common::{
    db::keys::ApiKey,
    http::openapi::example,
    reads::rest::{page::Page, payout_methods},
};

use super::method::{METHOD_EXAMPLE, Method};
use crate::{
    Api, Problem,
    path_id::PathId,
    rest::{
        affiliates_of_key::affiliate_of,
        pages::{PageParams, PageRequest},
    },
};

/// List payout methods
// The primary one first.
#[utoipa::path(
    get,
    path = "/1.6/affiliates/{id}/payout-methods",
    operation_id = "payout_methods",
    tag = "rest",
    security(("XApiKey" = [])),
    params(("id" = String, Path, description = "The affiliate's id.", example = "janejameson"), PageParams),
    responses((
        status = 200,
        body = Vec<Method<'_>>,
        headers(("Link" = String, description = "The pages `next`, `last`, `first` and `prev`, where there are any.")),
        example = json!([example(METHOD_EXAMPLE)])
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
    let methods = payout_methods::of_affiliate(&mut conn, key.org, affiliate, None).await?;
    Ok(request.answer(&Page::of_all(methods, request.number), Method::from))
}

//! `GET /1.6/affiliate-groups/`

use std::sync::Arc;

use axum::{Extension, extract::State, response::Response};
use common::{
    db::keys::ApiKey,
    http::openapi::example,
    reads::rest::affiliate_groups::{self, GroupFilter},
};

use super::group::{GROUP_EXAMPLE, Group};
use crate::{
    Api, Problem,
    rest::pages::{PageParams, PageRequest},
};

/// List affiliate groups
// Latest first, 25 a page. For a key that is bound to a program its affiliates alone count.
#[utoipa::path(
    get,
    path = "/1.6/affiliate-groups",
    operation_id = "affiliate_groups",
    tag = "rest",
    security(("XApiKey" = [])),
    params(PageParams),
    responses((
        status = 200,
        body = Vec<Group<'_>>,
        headers(("Link" = String, description = "The pages `next`, `last`, `first` and `prev`, where there are any.")),
        example = json!([example(GROUP_EXAMPLE)])
    ))
)]
pub(super) async fn list(
    State(api): State<Arc<Api>>,
    Extension(key): Extension<ApiKey>,
    request: PageRequest,
) -> Result<Response, Problem> {
    let mut conn = api.connection().await?;
    let filter = GroupFilter { scope: key.program };
    let page = affiliate_groups::list(&mut conn, key.org, filter, request.number).await?;
    Ok(request.answer(&page, Group::from))
}

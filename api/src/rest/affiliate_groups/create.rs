//! `POST /1.6/affiliate-groups/`

use std::sync::Arc;

use axum::{extract::State, http::StatusCode, response::Response};
use common::{
    catalog::change,
    http::{openapi::example, request::IdempotencyKey},
    reads::rest::affiliate_groups::GroupView,
};

use super::group::{GROUP_EXAMPLE, Group, GroupBody, title_of};
use crate::{
    Api, Problem,
    auth::needs_whole_organisation,
    write::{Call, Change, begin, finish},
};

/// Create an affiliate group
#[utoipa::path(
    post,
    path = "/1.6/affiliate-groups",
    operation_id = "create_affiliate_group",
    tag = "rest",
    security(("XApiKey" = [])),
    params(IdempotencyKey),
    request_body(content = GroupBody, example = json!({"title": "Silver affiliates"})),
    responses((status = 200, body = Group<'_>, example = json!(example(GROUP_EXAMPLE))))
)]
pub(super) async fn create(State(api): State<Arc<Api>>, call: Call) -> Result<Response, Problem> {
    needs_whole_organisation(&call.key)?;
    let title = title_of(&call.received)?;
    let mut change = match begin(&api, &call).await? {
        Change::Fresh(change) => change,
        Change::Repeated(answer) => return Ok(answer),
    };
    let group_id = change::affiliate_groups::create(&mut change, &title).await?;
    let view = GroupView {
        group_id,
        title,
        affiliate_count: 0,
    };
    finish(change, StatusCode::OK, Some(&Group::from(&view))).await
}

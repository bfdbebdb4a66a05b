//! `PATCH /1.6/affiliate-groups/{id}/`

use std::sync::Arc;

use axum::{extract::State, http::StatusCode, response::Response};
use common::{
    catalog::change,
    http::{openapi::example, request::IdempotencyKey},
    reads::rest::affiliate_groups::{self, GroupFilter},
};

use super::group::{GROUP_EXAMPLE, Group, GroupBody, title_of};
use crate::{
    Api, Problem,
    auth::needs_whole_organisation,
    path_id::PathId,
    rest::params::is_storable,
    write::{Call, Change, begin, finish},
};

/// Update an affiliate group
#[utoipa::path(
    patch,
    path = "/1.6/affiliate-groups/{id}",
    operation_id = "update_affiliate_group",
    tag = "rest",
    security(("XApiKey" = [])),
    params(("id" = String, Path, description = "The group's id.", example = "ag_eXampl3"), IdempotencyKey),
    request_body(content = GroupBody, example = json!({"title": "Gold members"})),
    responses((status = 200, body = Group<'_>, example = json!(example(GROUP_EXAMPLE))))
)]
pub(super) async fn update(
    State(api): State<Arc<Api>>,
    PathId(id): PathId,
    call: Call,
) -> Result<Response, Problem> {
    needs_whole_organisation(&call.key)?;
    if !is_storable(&id) {
        return Err(Problem::not_found());
    }
    let title = title_of(&call.received)?;
    let mut change = match begin(&api, &call).await? {
        Change::Fresh(change) => change,
        Change::Repeated(answer) => return Ok(answer),
    };
    change::affiliate_groups::rename(&mut change, &id, &title).await?;
    let org = change.org();
    let view = affiliate_groups::find(change.connection(), org, GroupFilter::default(), &id).await?;
    let view = view.ok_or_else(Problem::not_found)?;
    finish(change, StatusCode::OK, Some(&Group::from(&view))).await
}

//! `PUT` and `DELETE /1.6/affiliates/{id}/group/`

use std::sync::Arc;

use axum::{extract::State, response::Response};
use common::{
    catalog::change::group_of,
    http::{
        openapi::example,
        request::{IdempotencyKey, MAX_ID},
    },
    tapfiliate_json::{AFFILIATE_EXAMPLE, AffiliateProfile},
};
use utoipa::ToSchema;

use super::change::{check, done, show};
use crate::{
    Api, Problem,
    path_id::PathId,
    rest::bodies::fields_of,
    write::{Call, Change, begin},
};

#[derive(ToSchema)]
#[schema(as = rest::GroupOfAffiliate)]
#[expect(dead_code, reason = "describes what `set` reads")]
struct Body {
    group_id: String,
}

/// Set the group of an affiliate
// Its rates count for what is sold from then on.
#[utoipa::path(
    put,
    path = "/1.6/affiliates/{id}/group",
    tag = "rest",
    security(("XApiKey" = [])),
    params(("id" = String, Path, description = "The affiliate's id.", example = "janejameson"), IdempotencyKey),
    request_body(content = Body, example = json!({"group_id": "ag_eXampl3"})),
    responses((status = 200, body = AffiliateProfile<'_>, example = json!(example(AFFILIATE_EXAMPLE))))
)]
pub(super) async fn set(
    State(api): State<Arc<Api>>,
    PathId(id): PathId,
    call: Call,
) -> Result<Response, Problem> {
    check(&call.key, &id)?;
    let group = fields_of(&call.received)?.required_text("group_id", MAX_ID)?;
    let mut change = match begin(&api, &call).await? {
        Change::Fresh(change) => change,
        Change::Repeated(answer) => return Ok(answer),
    };
    group_of::set(&mut change, &id, Some(&group)).await?;
    show(change, &id).await
}

/// Remove the group of an affiliate
#[utoipa::path(
    delete,
    path = "/1.6/affiliates/{id}/group",
    tag = "rest",
    security(("XApiKey" = [])),
    params(("id" = String, Path, description = "The affiliate's id.", example = "janejameson"), IdempotencyKey),
    responses((status = 204, description = "It is in no group."))
)]
pub(super) async fn remove(
    State(api): State<Arc<Api>>,
    PathId(id): PathId,
    call: Call,
) -> Result<Response, Problem> {
    check(&call.key, &id)?;
    let mut change = match begin(&api, &call).await? {
        Change::Fresh(change) => change,
        Change::Repeated(answer) => return Ok(answer),
    };
    group_of::set(&mut change, &id, None).await?;
    done(change).await
}

//! `POST`, `PUT` and `DELETE /1.6/affiliates/{id}/parent/`

use std::sync::Arc;

use axum::{extract::State, response::Response};
use common::{
    catalog::change::parent_of::{self, ParentName},
    http::{
        openapi::example,
        request::{Fields, IdempotencyKey, Invalid, MAX_ID},
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
#[schema(as = rest::ParentOfAffiliate)]
#[expect(dead_code, reason = "describes what `parent` reads")]
struct Body {
    /// The parent's id.
    affiliate_id: Option<String>,
    /// The parent's number, where its id is not sent.
    via: Option<String>,
}

/// Set the parent of an affiliate
// The parent earns by the program's levels on what is sold from then on. Parents in a circle are refused.
#[utoipa::path(
    post,
    path = "/1.6/affiliates/{id}/parent",
    tag = "rest",
    security(("XApiKey" = [])),
    params(("id" = String, Path, description = "The child's id.", example = "janejameson"), IdempotencyKey),
    request_body(content = Body, example = json!({"affiliate_id": "sandrasanderson"})),
    responses((status = 200, body = AffiliateProfile<'_>, example = json!(example(AFFILIATE_EXAMPLE))))
)]
pub(super) async fn set(
    State(api): State<Arc<Api>>,
    PathId(id): PathId,
    call: Call,
) -> Result<Response, Problem> {
    give(&api, &id, &call).await
}

/// Replace the parent of an affiliate
// The same as `POST`.
#[utoipa::path(
    put,
    path = "/1.6/affiliates/{id}/parent",
    tag = "rest",
    security(("XApiKey" = [])),
    params(("id" = String, Path, description = "The child's id.", example = "janejameson"), IdempotencyKey),
    request_body(content = Body, example = json!({"affiliate_id": "sandrasanderson"})),
    responses((status = 200, body = AffiliateProfile<'_>, example = json!(example(AFFILIATE_EXAMPLE))))
)]
pub(super) async fn replace(
    State(api): State<Arc<Api>>,
    PathId(id): PathId,
    call: Call,
) -> Result<Response, Problem> {
    give(&api, &id, &call).await
}

async fn give(api: &Api, id: &str, call: &Call) -> Result<Response, Problem> {
    check(&call.key, id)?;
    let parent = parent(&fields_of(&call.received)?)?;
    let mut change = match begin(api, call).await? {
        Change::Fresh(change) => change,
        Change::Repeated(answer) => return Ok(answer),
    };
    parent_of::set(&mut change, id, &parent).await?;
    show(change, id).await
}

fn parent(fields: &Fields) -> Result<ParentName, Invalid> {
    if let Some(slug) = fields.text("affiliate_id", MAX_ID)? {
        return Ok(ParentName::Slug(slug));
    }
    let via = fields.text("via", MAX_ID)?;
    let via = via.ok_or_else(|| fields.required("affiliate_id"))?;
    let number = via
        .parse()
        .map_err(|_not_a_number| fields.wrong("via", "must be a number"))?;
    Ok(ParentName::Number(number))
}

/// Remove the parent of an affiliate
#[utoipa::path(
    delete,
    path = "/1.6/affiliates/{id}/parent",
    tag = "rest",
    security(("XApiKey" = [])),
    params(("id" = String, Path, description = "The child's id.", example = "janejameson"), IdempotencyKey),
    responses((status = 204, description = "It has no parent."))
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
    parent_of::remove(&mut change, &id).await?;
    done(change).await
}

//! `PUT` and `DELETE /1.6/commissions/{id}/approved/`

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use common::{
    http::{openapi::example, request::IdempotencyKey},
    tapfiliate_json::{COMMISSION_EXAMPLE, Commission},
};

use super::edit::edit;
use crate::{Api, Problem, path_id::PathId, write::Call};

/// Approve a commission
// The affiliate is owed it from then on. Again it changes nothing.
#[utoipa::path(
    put,
    path = "/1.6/commissions/{id}/approved",
    tag = "rest",
    security(("XApiKey" = [])),
    params(("id" = String, Path, description = "Its number or its `cm_` id.", example = "1"), IdempotencyKey),
    responses((status = 200, body = Commission<'_>, example = json!(example(COMMISSION_EXAMPLE))))
)]
pub(super) async fn approve(
    State(api): State<Arc<Api>>,
    PathId(id): PathId,
    call: Call,
) -> Result<Response, Problem> {
    set_approved(&api, &id, &call, true).await
}

/// Disapprove a commission
// What was owed is taken back; if it was paid, the balance may be negative.
#[utoipa::path(
    delete,
    path = "/1.6/commissions/{id}/approved",
    tag = "rest",
    security(("XApiKey" = [])),
    params(("id" = String, Path, description = "Its number or its `cm_` id.", example = "1"), IdempotencyKey),
    responses((status = 200, body = Commission<'_>, example = json!(example(COMMISSION_EXAMPLE))))
)]
pub(super) async fn disapprove(
    State(api): State<Arc<Api>>,
    PathId(id): PathId,
    call: Call,
) -> Result<Response, Problem> {
    set_approved(&api, &id, &call, false).await
}

async fn set_approved(api: &Api, id: &str, call: &Call, approved: bool) -> Result<Response, Problem> {
    let commission = edit(api, call, id, |edit| edit.approved = Some(approved)).await?;
    Ok(Json(Commission::from(&commission)).into_response())
}

//! `PUT` and `DELETE /1.6/commissions/{id}/approved/`

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use common::{
    domain::{Applied, Body, CommissionId, EditCommission, PublicIdKind},
    http::{openapi::example, request::IdempotencyKey},
    reads::rest::commissions,
    tapfiliate_json::{COMMISSION_EXAMPLE, Commission},
};

use crate::{
    Api, Problem,
    path_id::PathId,
    rest::row_id::number_of,
    write::{Call, execute},
};

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
    let id = number_of(id, PublicIdKind::Commission).ok_or_else(Problem::not_found)?;
    edit(api, CommissionId(id), call, |edit| edit.approved = Some(approved)).await
}

/// Changes the commission and answers with it.
async fn edit(
    api: &Api,
    id: CommissionId,
    call: &Call,
    change: impl FnOnce(&mut EditCommission),
) -> Result<Response, Problem> {
    // What is not there leaves no event.
    let mut conn = api.connection().await?;
    let there = commissions::find(&mut conn, call.key.org, call.key.program, id).await?;
    there.ok_or_else(Problem::not_found)?;
    drop(conn);
    let mut edit = EditCommission {
        commission: id,
        approved: None,
        amount: None,
        sub_amount: None,
        comment: None,
    };
    change(&mut edit);
    let done = execute(api, call, &format!("commission/{id}"), Body::EditCommission(edit)).await?;
    let Applied::Commission(view) = &done.applied else {
        return Err(Problem::not_found());
    };
    Ok(Json(Commission::from(&**view)).into_response())
}

//! `DELETE` and `PUT /1.6/customers/{id}/status/`

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use common::{
    domain::CustomerAction,
    http::{openapi::example, request::IdempotencyKey},
    tapfiliate_json::{CUSTOMER_EXAMPLE, Customer},
};

use super::edit::edit;
use crate::{Api, Problem, path_id::PathId, write::Call};

/// Cancel a customer
// Commissions that come again end with it.
#[utoipa::path(
    delete,
    path = "/1.6/customers/{id}/status",
    tag = "rest",
    security(("XApiKey" = [])),
    params(("id" = String, Path, description = "Its `cu_` id.", example = "cu_eXampl3"), IdempotencyKey),
    responses((status = 200, body = Customer<'_>, example = json!(example(CUSTOMER_EXAMPLE))))
)]
pub(super) async fn cancel(
    State(api): State<Arc<Api>>,
    PathId(id): PathId,
    call: Call,
) -> Result<Response, Problem> {
    act(&api, &id, &call, CustomerAction::Cancel).await
}

/// Uncancel a customer
// Back to where its sales say that it is.
#[utoipa::path(
    put,
    path = "/1.6/customers/{id}/status",
    tag = "rest",
    security(("XApiKey" = [])),
    params(("id" = String, Path, description = "Its `cu_` id.", example = "cu_eXampl3"), IdempotencyKey),
    responses((status = 200, body = Customer<'_>, example = json!(example(CUSTOMER_EXAMPLE))))
)]
pub(super) async fn uncancel(
    State(api): State<Arc<Api>>,
    PathId(id): PathId,
    call: Call,
) -> Result<Response, Problem> {
    act(&api, &id, &call, CustomerAction::Resume).await
}

async fn act(api: &Api, id: &str, call: &Call, action: CustomerAction) -> Result<Response, Problem> {
    let customer = edit(api, call, id, |update| update.action = Some(action)).await?;
    Ok(Json(Customer::from(&customer)).into_response())
}

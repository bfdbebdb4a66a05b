//! `DELETE /1.6/customers/{id}/`

use std::sync::Arc;

use axum::{extract::State, http::StatusCode};
use common::{domain::CustomerAction, http::request::IdempotencyKey};

use super::edit::edit;
use crate::{Api, Problem, path_id::PathId, write::Call};

/// Delete a customer
// Its conversions stay, and its customer id may be used again.
#[utoipa::path(
    delete,
    path = "/1.6/customers/{id}",
    tag = "rest",
    security(("XApiKey" = [])),
    params(("id" = String, Path, description = "Its `cu_` id.", example = "cu_eXampl3"), IdempotencyKey),
    responses((status = 204, description = "It is gone."))
)]
pub(super) async fn delete(
    State(api): State<Arc<Api>>,
    PathId(id): PathId,
    call: Call,
) -> Result<StatusCode, Problem> {
    edit(&api, &call, &id, |update| {
        update.action = Some(CustomerAction::Delete);
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

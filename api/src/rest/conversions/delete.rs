//! `DELETE /1.6/conversions/{id}/`

use std::sync::Arc;

use axum::{extract::State, http::StatusCode};
use common::http::request::IdempotencyKey;

use super::edit::edit;
use crate::{Api, Problem, path_id::PathId, write::Call};

/// Delete a conversion
// Its commissions are taken back, and its external id may be used again.
#[utoipa::path(
    delete,
    path = "/1.6/conversions/{id}",
    tag = "rest",
    security(("XApiKey" = [])),
    params(("id" = String, Path, description = "Its number or its `cv_` id.", example = "1"), IdempotencyKey),
    responses((status = 204, description = "It is gone."))
)]
pub(super) async fn delete(
    State(api): State<Arc<Api>>,
    PathId(id): PathId,
    call: Call,
) -> Result<StatusCode, Problem> {
    edit(&api, &call, &id, |edit| edit.delete = true).await?;
    Ok(StatusCode::NO_CONTENT)
}

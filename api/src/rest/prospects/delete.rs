//! `DELETE /1.6/affiliate-prospects/{id}/`

use std::sync::Arc;

use axum::{extract::State, http::StatusCode, response::Response};
use common::{catalog::change::prospects, http::request::IdempotencyKey};

use crate::{
    Api, Problem,
    path_id::PathId,
    rest::params::is_storable,
    write::{Call, Change, begin, finish},
};

/// Delete an affiliate prospect
// Its e-mail address and its code are free from then on.
#[utoipa::path(
    delete,
    path = "/1.6/affiliate-prospects/{id}",
    operation_id = "delete_prospect",
    tag = "rest",
    security(("XApiKey" = [])),
    params(("id" = String, Path, description = "The prospect's id.", example = "peterprospect"), IdempotencyKey),
    responses((status = 204, description = "It is gone."))
)]
pub(super) async fn delete(
    State(api): State<Arc<Api>>,
    PathId(id): PathId,
    call: Call,
) -> Result<Response, Problem> {
    if !is_storable(&id) {
        return Err(Problem::not_found());
    }
    let mut change = match begin(&api, &call).await? {
        Change::Fresh(change) => change,
        Change::Repeated(answer) => return Ok(answer),
    };
    prospects::delete(&mut change, call.key.program, &id).await?;
    finish(change, StatusCode::NO_CONTENT, None::<&()>).await
}

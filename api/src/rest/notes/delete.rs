//! `DELETE /1.6/affiliates/{id}/notes/{note_id}/`

use std::sync::Arc;

use axum::{extract::State, http::StatusCode, response::Response};
use common::{catalog::change::notes, http::request::IdempotencyKey};

use crate::{
    Api, Problem,
    auth::needs_whole_organisation,
    path_id::PathIdAndKey,
    rest::affiliates_of_key::affiliate_of,
    write::{Call, Change, begin, finish},
};

/// Delete a note
#[utoipa::path(
    delete,
    path = "/1.6/affiliates/{id}/notes/{note_id}",
    operation_id = "delete_note",
    tag = "rest",
    security(("XApiKey" = [])),
    params(
        ("id" = String, Path, description = "The affiliate's id.", example = "janejameson"),
        ("note_id" = i64, Path, description = "The note's number.", example = 1),
        IdempotencyKey
    ),
    responses((status = 204, description = "It is gone."))
)]
pub(super) async fn delete(
    State(api): State<Arc<Api>>,
    PathIdAndKey(id, note): PathIdAndKey,
    call: Call,
) -> Result<Response, Problem> {
    let note = note.parse().map_err(|_no_number| Problem::not_found())?;
    needs_whole_organisation(&call.key)?;
    let mut change = match begin(&api, &call).await? {
        Change::Fresh(change) => change,
        Change::Repeated(answer) => return Ok(answer),
    };
    let affiliate = affiliate_of(change.connection(), &call.key, &id).await?;
    notes::delete(&mut change, affiliate, note).await?;
    finish(change, StatusCode::NO_CONTENT, None::<&()>).await
}

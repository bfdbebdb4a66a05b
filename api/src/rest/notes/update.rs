//! `PUT /1.6/affiliates/{id}/notes/{note_id}/`

use std::sync::Arc;

use axum::{extract::State, http::StatusCode, response::Response};
use common::{
    catalog::change::notes,
    http::{openapi::example, request::IdempotencyKey},
    reads::rest::notes::find,
};

use super::note::{NOTE_EXAMPLE, Note, NoteBody, message_of};
use crate::{
    Api, Problem,
    auth::needs_whole_organisation,
    path_id::PathIdAndKey,
    rest::affiliates_of_key::affiliate_of,
    write::{Call, Change, begin, finish},
};

/// Update a note
// Who wrote it and when stay as they are.
#[utoipa::path(
    put,
    path = "/1.6/affiliates/{id}/notes/{note_id}",
    operation_id = "update_note",
    tag = "rest",
    security(("XApiKey" = [])),
    params(
        ("id" = String, Path, description = "The affiliate's id.", example = "janejameson"),
        ("note_id" = i64, Path, description = "The note's number.", example = 1),
        IdempotencyKey
    ),
    request_body(content = NoteBody, example = json!({"message": "Greatest person ever!"})),
    responses((status = 200, body = Note<'_>, example = json!(example(NOTE_EXAMPLE))))
)]
pub(super) async fn update(
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
    let message = message_of(&call.received)?;
    notes::update(&mut change, affiliate, note, &message).await?;
    let org = change.org();
    let view = find(change.connection(), org, affiliate, note).await?;
    let view = view.ok_or_else(Problem::not_found)?;
    finish(change, StatusCode::OK, Some(&Note::from(&view))).await
}

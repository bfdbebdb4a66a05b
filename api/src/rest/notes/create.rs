//! `POST /1.6/affiliates/{id}/notes/`

use std::sync::Arc;

use axum::{extract::State, http::StatusCode, response::Response};
use common::{
    catalog::change::notes::{self, Writer},
    http::{openapi::example, request::IdempotencyKey},
    reads::rest::notes::find,
};

use super::note::{NOTE_EXAMPLE, Note, NoteBody, message_of};
use crate::{
    Api, Problem,
    auth::needs_whole_organisation,
    path_id::PathId,
    rest::affiliates_of_key::affiliate_of,
    write::{Call, Change, begin, finish},
};

/// Create a note
#[utoipa::path(
    post,
    path = "/1.6/affiliates/{id}/notes",
    operation_id = "create_note",
    tag = "rest",
    security(("XApiKey" = [])),
    params(("id" = String, Path, description = "The affiliate's id.", example = "janejameson"), IdempotencyKey),
    request_body(content = NoteBody, example = json!({"message": "Great person!"})),
    responses((status = 200, body = Note<'_>, example = json!(example(NOTE_EXAMPLE))))
)]
pub(super) async fn create(
    State(api): State<Arc<Api>>,
    PathId(id): PathId,
    call: Call,
) -> Result<Response, Problem> {
    needs_whole_organisation(&call.key)?;
    let mut change = match begin(&api, &call).await? {
        Change::Fresh(change) => change,
        Change::Repeated(answer) => return Ok(answer),
    };
    let affiliate = affiliate_of(change.connection(), &call.key, &id).await?;
    let message = message_of(&call.received)?;
    let writer = Writer {
        id: &call.key.owner_id,
        name: &call.key.owner,
    };
    let note = notes::create(&mut change, affiliate, writer, &message).await?;
    let org = change.org();
    let view = find(change.connection(), org, affiliate, note).await?;
    let view = view.ok_or_else(Problem::not_found)?;
    finish(change, StatusCode::OK, Some(&Note::from(&view))).await
}

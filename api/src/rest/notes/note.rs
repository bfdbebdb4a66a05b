//! A note, as it is printed and as it is sent.

use common::{
    http::request::{Invalid, MAX_NOTES, Received},
    reads::rest::notes::NoteView,
    tapfiliate_json::plain_time,
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::rest::bodies::fields_of;

pub(super) const NOTE_EXAMPLE: &str = include_str!("../examples/note.json");

#[derive(Serialize, ToSchema)]
#[schema(as = rest::Note)]
pub(super) struct Note<'a> {
    id: i64,
    created_at: String,
    message: &'a str,
    created_by: Writer<'a>,
}

/// The owner of the key.
#[derive(Serialize, ToSchema)]
#[schema(as = rest::NoteWriter)]
struct Writer<'a> {
    id: &'a str,
    firstname: &'a str,
    lastname: &'a str,
}

impl<'a> From<&'a NoteView> for Note<'a> {
    fn from(view: &'a NoteView) -> Self {
        // Keys have owners by one name: its first word is the first name.
        let (firstname, lastname) = view.owner.split_once(' ').unwrap_or((&view.owner, ""));
        Self {
            id: view.note_id,
            created_at: plain_time(view.created_at),
            message: &view.message,
            created_by: Writer {
                id: &view.owner_id,
                firstname,
                lastname,
            },
        }
    }
}

#[derive(ToSchema)]
#[schema(as = rest::NoteMessage)]
#[expect(dead_code, reason = "describes what `message_of` reads")]
pub(super) struct NoteBody {
    /// At most 4,000 characters.
    message: String,
}

/// # Errors
/// Without a message.
pub(super) fn message_of(received: &Received) -> Result<String, Invalid> {
    let fields = fields_of(received)?;
    let message = fields.prose("message", MAX_NOTES)?;
    message.ok_or_else(|| fields.required("message"))
}

//! Notes about an affiliate.

use serde_json::json;

use super::{ChangeError, Changeset};
use crate::{db::DbError, domain::AffiliateId};

/// Who writes a note: the owner of a key.
#[derive(Clone, Copy, Debug)]
pub struct Writer<'a> {
    pub id: &'a str,
    pub name: &'a str,
}

/// Makes a note, and returns its number.
///
/// # Errors
/// When the database does not answer.
pub async fn create(
    change: &mut Changeset,
    affiliate: AffiliateId,
    writer: Writer<'_>,
    message: &str,
) -> Result<i64, ChangeError> {
    let (org, now) = (change.org(), change.author.now);
    let note = sqlx::query_scalar!(
        "INSERT INTO affiliate_notes (org_id, affiliate_id, message, owner, owner_id, created_at)
         VALUES ($1, $2, $3, $4, $5, $6) RETURNING note_id",
        org.0,
        affiliate.0,
        message,
        writer.name,
        writer.id,
        now
    )
    .fetch_one(change.connection())
    .await
    .map_err(|error| DbError::new("notes.create", error))?;
    change.note(
        "note.create",
        &subject(note),
        None,
        Some(json!({"message": message})),
    );
    Ok(note)
}

/// Gives a note another text. Who wrote it first stays its writer.
///
/// # Errors
/// [`ChangeError::NotFound`], or when the database does not answer.
pub async fn update(
    change: &mut Changeset,
    affiliate: AffiliateId,
    note: i64,
    message: &str,
) -> Result<(), ChangeError> {
    let org = change.org();
    let before = sqlx::query_scalar!(
        "UPDATE affiliate_notes n SET message = $4
         FROM affiliate_notes before
         WHERE n.org_id = $1 AND n.affiliate_id = $2 AND n.note_id = $3
             AND (before.org_id, before.note_id) = (n.org_id, n.note_id)
         RETURNING before.message",
        org.0,
        affiliate.0,
        note,
        message
    )
    .fetch_optional(change.connection())
    .await
    .map_err(|error| DbError::new("notes.update", error))?;
    let before = before.ok_or(ChangeError::NotFound)?;
    let (before, after) = (json!({"message": before}), json!({"message": message}));
    change.note("note.update", &subject(note), Some(before), Some(after));
    Ok(())
}

/// Removes a note.
///
/// # Errors
/// [`ChangeError::NotFound`], or when the database does not answer.
pub async fn delete(change: &mut Changeset, affiliate: AffiliateId, note: i64) -> Result<(), ChangeError> {
    let org = change.org();
    let before = sqlx::query_scalar!(
        "DELETE FROM affiliate_notes WHERE org_id = $1 AND affiliate_id = $2 AND note_id = $3 RETURNING message",
        org.0,
        affiliate.0,
        note
    )
    .fetch_optional(change.connection())
    .await
    .map_err(|error| DbError::new("notes.delete", error))?;
    let before = before.ok_or(ChangeError::NotFound)?;
    change.note(
        "note.delete",
        &subject(note),
        Some(json!({"message": before})),
        None,
    );
    Ok(())
}

fn subject(note: i64) -> String {
    format!("note/{note}")
}

//! How a key is shown.

use common::db::keys::KeyRow;
use serde::Serialize;
use utoipa::ToSchema;

use crate::json::time;

/// A key, without what makes it one.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = native::Key)]
pub(super) struct KeyView {
    id: i64,
    /// Its first characters.
    hint: String,
    name: String,
    /// `ingest`, `read`, `manage`, `replay`, `admin`.
    scopes: Vec<String>,
    /// The one program that it sees; null: all.
    #[schema(required)]
    program: Option<String>,
    owner: String,
    owner_id: String,
    timezone: String,
    rate_per_minute: i32,
    /// `documented` or `first`.
    repeats: String,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(required, format = DateTime)]
    revoked_at: Option<String>,
}

impl From<KeyRow> for KeyView {
    fn from(row: KeyRow) -> Self {
        Self {
            id: row.key_id,
            hint: row.hint,
            name: row.name,
            scopes: row.scopes,
            program: row.program,
            owner: row.owner,
            owner_id: row.owner_id,
            timezone: row.timezone,
            rate_per_minute: row.rate_per_minute,
            repeats: row.repeats,
            created_at: time(row.created_at),
            revoked_at: row.revoked_at.map(time),
        }
    }
}

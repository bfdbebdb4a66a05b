//! The audit trail of an organisation: who changed what, each entry chained to the one before it. Here it is only written, in
//! the transaction of the change itself.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use sqlx::types::Json;

use super::{Connection, DbError};
use crate::domain::{EventId, OrgId};

/// Who changes something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// Whoever holds an API key: the key's number, and its owner.
    Key { key_id: i64, owner: String },
    /// Somebody at the command line.
    Cli(String),
    /// Whoever applied a catalog file.
    Catalog(String),
}

impl Actor {
    fn kind(&self) -> &'static str {
        match self {
            Self::Key { .. } => "key",
            Self::Cli(_) => "cli",
            Self::Catalog(_) => "catalog",
        }
    }

    fn name(&self) -> &str {
        match self {
            Self::Key { owner: name, .. } | Self::Cli(name) | Self::Catalog(name) => name,
        }
    }

    fn key_id(&self) -> Option<i64> {
        match self {
            Self::Key { key_id, .. } => Some(*key_id),
            Self::Cli(_) | Self::Catalog(_) => None,
        }
    }
}

/// On whose behalf, when and why: what the entries of one change have in common.
#[derive(Clone, Debug)]
pub struct Author {
    pub org: OrgId,
    pub actor: Actor,
    /// Of the HTTP request.
    pub request_id: Option<String>,
    pub now: DateTime<Utc>,
}

/// One thing that was changed. Neither `before` nor `after` has a secret in it.
#[derive(Clone, Debug, Serialize)]
pub struct Note {
    /// Such as `affiliate.create`.
    pub action: String,
    /// Such as `affiliate/janejameson`.
    pub subject: String,
    /// `None`: it was not there.
    pub before: Option<Value>,
    /// `None`: it is gone.
    pub after: Option<Value>,
    /// The event that changed it, if it is money.
    pub event: Option<EventId>,
}

/// Appends entries, in their order. They hold when the transaction commits; until then nobody else appends to this trail, so it
/// is the last thing that a transaction does.
///
/// # Errors
/// When the database does not answer.
pub async fn append(connection: &mut Connection, author: &Author, notes: &[Note]) -> Result<(), DbError> {
    if notes.is_empty() {
        return Ok(());
    }
    sqlx::query_scalar!(
        "SELECT audit_append_all(array_agg(
             ROW($1, 0, $2, $3, $4, $5, $6, n.event, n.action, n.subject, n.before, n.after, '')::audit_entries
             ORDER BY n.position))
         FROM ROWS FROM (jsonb_to_recordset($7) AS (action text, subject text, before jsonb, after jsonb, event uuid))
             WITH ORDINALITY AS n (action, subject, before, after, event, position)",
        author.org.0,
        author.now,
        author.actor.kind(),
        author.actor.name(),
        author.actor.key_id(),
        author.request_id.as_deref(),
        Json(notes) as _,
    )
    .fetch_one(connection)
    .await
    .map_err(|error| DbError::new("audit.append", error))?;
    Ok(())
}

//! Requests that were turned away, by organisation and kind.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use sqlx::types::Json;

use super::{Connection, DbError};
use crate::domain::OrgId;

/// Groups of an organisation that are kept, the latest first.
pub const MAX_GROUPS: i64 = 200;

/// What requests that were turned away have in common.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct Group {
    #[serde(rename = "org_id")]
    pub org: OrgId,
    pub dialect: String,
    pub method: String,
    /// The pattern of the path; empty: no call is there.
    pub route: String,
    pub reason: String,
    /// Empty: no field was wrong.
    pub field: String,
}

/// How many of a group, and the last of them.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Rejected {
    pub message: String,
    pub sample: Value,
    pub count: i64,
    pub first_at: DateTime<Utc>,
    pub last_at: DateTime<Utc>,
}

impl Rejected {
    /// Adds later ones of the same group.
    pub fn follow(&mut self, later: Self) {
        let (count, first_at) = (self.count + later.count, self.first_at);
        *self = Self { count, first_at, ..later };
    }
}

#[derive(Serialize)]
struct Row<'a> {
    #[serde(flatten)]
    group: &'a Group,
    #[serde(flatten)]
    rejected: &'a Rejected,
}

/// Adds them to what is known, and forgets what is beyond [`MAX_GROUPS`].
///
/// # Errors
/// When the database does not answer: then nothing is written.
pub async fn write(connection: &mut Connection, all: &HashMap<Group, Rejected>) -> Result<(), DbError> {
    let mut rows: Vec<Row<'_>> = all.iter().map(|(group, rejected)| Row { group, rejected }).collect();
    // Several processes write the same groups: each locks them in the same order.
    rows.sort_by_key(|row| row.group);
    sqlx::query!(
        "INSERT INTO rejections AS r
             (org_id, dialect, method, route, reason, field, message, sample, count, first_at, last_at)
         SELECT org_id, dialect, method, route, reason, field, message, sample, count, first_at, last_at
         FROM jsonb_to_recordset($1) AS (
             org_id bigint, dialect text, method text, route text, reason text, field text, message text, sample jsonb,
             count bigint, first_at timestamptz, last_at timestamptz)
         ORDER BY org_id, dialect, method, route, reason, field
         ON CONFLICT (org_id, dialect, method, route, reason, field) DO UPDATE
         SET message = excluded.message, sample = excluded.sample, count = r.count + excluded.count,
             first_at = least(r.first_at, excluded.first_at), last_at = greatest(r.last_at, excluded.last_at)",
        Json(&rows) as _
    )
    .execute(&mut *connection)
    .await
    .map_err(|error| DbError::new("rejections.write", error))?;
    let orgs: Vec<i64> = all.keys().map(|group| group.org.0).collect();
    sqlx::query!(
        "DELETE FROM rejections d USING (
             SELECT org_id, dialect, method, route, reason, field,
                 row_number() OVER (PARTITION BY org_id ORDER BY last_at DESC, dialect, method, route, reason, field) AS place
             FROM rejections WHERE org_id = ANY ($1)
         ) ranked
         WHERE ranked.place > $2
             AND (d.org_id, d.dialect, d.method, d.route, d.reason, d.field)
                 = (ranked.org_id, ranked.dialect, ranked.method, ranked.route, ranked.reason, ranked.field)",
        &orgs,
        MAX_GROUPS
    )
    .execute(connection)
    .await
    .map_err(|error| DbError::new("rejections.forget", error))?;
    Ok(())
}

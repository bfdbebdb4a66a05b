//! Events that named an order and had no effect. The indexes hold those alone, not the applied ones.

use chrono::{DateTime, Utc};
use sqlx::types::Json;
use uuid::Uuid;

use super::{Attempt, MAX_ATTEMPTS};
use crate::{
    db::{Connection, DbError},
    domain::{OrgId, ProgramId, trace::Trace},
};

#[derive(sqlx::FromRow)]
struct Row {
    event_id: Uuid,
    kind: String,
    dialect: String,
    status: String,
    reason: Option<String>,
    detail: Option<String>,
    #[sqlx(rename = "trusted")]
    authenticated: bool,
    received_at: DateTime<Utc>,
    due_at: Option<DateTime<Utc>>,
    first: Option<String>,
    trace: Option<Json<Trace>>,
}

impl From<Row> for Attempt {
    fn from(row: Row) -> Self {
        Self {
            event: row.event_id,
            kind: row.kind,
            dialect: row.dialect,
            status: row.status,
            reason: row.reason,
            detail: row.detail,
            signed: row.authenticated,
            received_at: row.received_at,
            due_at: row.due_at,
            first: row.first.and_then(|id| id.parse().ok()),
            trace: row.trace.map(|Json(trace)| trace),
        }
    }
}

/// The latest [`MAX_ATTEMPTS`], the oldest of them first, and whether there are more. A key that is bound to a program sees
/// what came with such a key.
pub(super) async fn of(
    conn: &mut Connection,
    org: OrgId,
    order: &str,
    scope: Option<ProgramId>,
) -> Result<(Vec<Attempt>, bool), DbError> {
    let mut rows: Vec<Row> = sqlx::query_as(
        "SELECT e.event_id, e.kind, e.dialect, e.status, e.reason, e.trusted, e.received_at, e.due_at,
                coalesce(e.outcome #>> '{refused,detail}', f.detail) AS detail,
                e.outcome #>> '{refused,first,event_id}' AS first, e.outcome #> '{refused,trace}' AS trace
           FROM (SELECT * FROM events
                  WHERE org_id = $1 AND order_key = $2 AND status IN ('refused', 'dead')
                  UNION ALL
                 SELECT * FROM events WHERE org_id = $1 AND order_key = $2 AND status = 'parked') e
           LEFT JOIN event_failures f ON f.event_id = e.event_id
          WHERE $3::bigint IS NULL OR e.program_scope = $3
          ORDER BY e.event_id DESC
          LIMIT $4",
    )
    .bind(org.0)
    .bind(order)
    .bind(scope.map(|program| program.0))
    .bind(MAX_ATTEMPTS + 1)
    .fetch_all(conn)
    .await
    .map_err(|error| DbError::new("explain.attempts", error))?;
    let limit = usize::try_from(MAX_ATTEMPTS).unwrap_or(usize::MAX);
    let is_cut = rows.len() > limit;
    rows.truncate(limit);
    Ok((rows.into_iter().rev().map(Attempt::from).collect(), is_cut))
}

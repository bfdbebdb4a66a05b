//! Events that named an order and had no effect. The indexes hold those alone, not the applied ones.

use sqlx::types::Json;

use super::{
    explanation::Attempt,
    limits::{MAX_ATTEMPTS, cut},
};
use crate::{
    db::{Connection, DbError},
    domain::{EventStatus, OrgId, ProgramId, trace::Trace},
};

/// The latest [`MAX_ATTEMPTS`], the oldest of them first, and whether there are more. A key that is bound to a program sees
/// what came with such a key.
pub(super) async fn of_order(
    conn: &mut Connection,
    org: OrgId,
    order: &str,
    scope: Option<ProgramId>,
) -> Result<(Vec<Attempt>, bool), DbError> {
    let mut rows = sqlx::query!(
        r#"SELECT e.event_id AS "event_id!", e.kind AS "kind!", e.dialect AS "dialect!", e.status AS "status!: EventStatus", e.reason,
                e.trusted AS "authenticated!", e.received_at AS "received_at!", e.due_at,
                coalesce(e.outcome #>> '{refused,detail}', f.detail) AS detail,
                e.outcome #>> '{refused,first,event_id}' AS first, e.outcome #> '{refused,trace}' AS "trace: Json<Trace>",
                e.warnings AS "warnings: Json<Vec<String>>"
           FROM (SELECT * FROM events
                  WHERE org_id = $1 AND order_key = $2 AND status IN ('refused', 'dead')
                  UNION ALL
                 SELECT * FROM events WHERE org_id = $1 AND order_key = $2 AND status = 'parked') e
           LEFT JOIN event_failures f ON f.event_id = e.event_id
          WHERE $3::bigint IS NULL OR e.program_scope = $3
          ORDER BY e.event_id DESC
          LIMIT $4"#,
        org.0,
        order,
        scope.map(|program| program.0),
        MAX_ATTEMPTS + 1
    )
    .fetch_all(conn)
    .await
    .map_err(|error| DbError::new("explain.attempts", error))?;
    let is_cut = cut(&mut rows, MAX_ATTEMPTS);
    let oldest_first = rows.into_iter().rev().map(|row| Attempt {
        event: row.event_id,
        kind: row.kind,
        dialect: row.dialect,
        status: row.status,
        reason: row.reason,
        detail: row.detail,
        authenticated: row.authenticated,
        received_at: row.received_at,
        due_at: row.due_at,
        first: row.first.and_then(|id| id.parse().ok()),
        trace: row.trace.map(|Json(trace)| trace),
        warnings: row.warnings.map(|Json(warnings)| warnings).unwrap_or_default(),
    });
    Ok((oldest_first.collect(), is_cut))
}

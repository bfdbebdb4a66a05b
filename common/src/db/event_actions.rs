//! What operators do with events that had no effect. The rows, what is noted of them (beside the event, and in the audit trail
//! of the organisation) and the wake-up call stand or fall together, as one statement each.
//!
//! Rows are locked in the order of their ids. The compare-and-set is where they are locked: after waiting for a lock Postgres
//! looks at the status again.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{Connection, DbError};

/// How many events there are of one kind: `done`, or why they were left as they were (their status, `undecodable`, `unknown`).
pub(crate) struct ActionCount {
    pub what: String,
    pub count: i64,
}

/// Queues dead and refused events again, with one attempt more, and tells the workers. The outcome that is given up goes into
/// the audit.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn replay(
    conn: &mut Connection,
    ids: &[Uuid],
    actor: &str,
    now: DateTime<Utc>,
) -> Result<Vec<ActionCount>, DbError> {
    let counts = sqlx::query!(
        r#"WITH locked AS (
            SELECT event_id, org_id, status, reason FROM events
             WHERE event_id = ANY($1) AND status IN ('dead', 'refused') AND org_id IS NOT NULL
             ORDER BY event_id FOR UPDATE),
        changed AS (
            UPDATE events e
               SET status = 'queued', reason = NULL, outcome = '"queued"', attempt = e.attempt + 1, due_at = $2
              FROM locked WHERE e.event_id = locked.event_id AND e.event_id = ANY($1)
            RETURNING e.event_id),
        audited AS (
            INSERT INTO event_actions (event_id, org_id, action, actor, reason, at)
            SELECT event_id, org_id, 'replay', $3, 'was ' || status || ': ' || reason, $2
              FROM locked JOIN changed USING (event_id) ORDER BY event_id
            RETURNING event_id),
        trail AS (
            SELECT audit_append_all(entries) AS last
              FROM (SELECT array_agg(ROW(org_id, 0, $2::timestamptz, 'cli', $3::text, NULL, NULL, event_id, 'event.replay',
                               'event/' || event_id, jsonb_build_object('status', status, 'reason', reason),
                               '{"status": "queued"}'::jsonb, '')::audit_entries ORDER BY event_id) AS entries
                      FROM locked JOIN changed USING (event_id)
                     WHERE org_id IS NOT NULL GROUP BY org_id ORDER BY org_id OFFSET 0) of_orgs)
        SELECT what AS "what!", count(*) AS "count!",
               CASE what WHEN 'done' THEN pg_notify('commissary_events', '')::text END AS "notified?"
          FROM (SELECT CASE WHEN audited.event_id IS NOT NULL THEN 'done'
                            WHEN e.event_id IS NULL THEN 'unknown'
                            WHEN e.org_id IS NULL THEN 'undecodable'
                            ELSE e.status END AS what
                  FROM unnest($1) asked (event_id)
                  LEFT JOIN events e ON e.event_id = asked.event_id AND e.event_id = ANY($1)
                  LEFT JOIN audited ON audited.event_id = asked.event_id) result
         WHERE (SELECT count(last) FROM trail) >= 0
         GROUP BY what"#,
        ids,
        now,
        actor
    )
    .fetch_all(conn)
    .await
    .map_err(|error| DbError::new("event_actions.replay", error))?;
    let count = counts.into_iter().map(|row| ActionCount {
        what: row.what,
        count: row.count,
    });
    Ok(count.collect())
}

/// Gives up dead, refused and parked events. Why they failed stays readable; `reason` says why they are given up.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn discard(
    conn: &mut Connection,
    ids: &[Uuid],
    reason: &str,
    actor: &str,
    now: DateTime<Utc>,
) -> Result<Vec<ActionCount>, DbError> {
    sqlx::query_as!(
        ActionCount,
        r#"WITH locked AS (
            SELECT event_id, org_id, status, reason FROM events
             WHERE event_id = ANY($1) AND status IN ('dead', 'refused', 'parked')
             ORDER BY event_id FOR UPDATE),
        changed AS (
            UPDATE events e SET status = 'discarded', outcome = '"discarded"', due_at = NULL
              FROM locked WHERE e.event_id = locked.event_id AND e.event_id = ANY($1)
            RETURNING e.event_id),
        audited AS (
            INSERT INTO event_actions (event_id, org_id, action, actor, reason, at)
            SELECT event_id, org_id, 'discard', $3, $4, $2 FROM locked JOIN changed USING (event_id) ORDER BY event_id
            RETURNING event_id),
        trail AS (
            SELECT audit_append_all(entries) AS last
              FROM (SELECT array_agg(ROW(org_id, 0, $2::timestamptz, 'cli', $3::text, NULL, NULL, event_id, 'event.discard',
                               'event/' || event_id, jsonb_build_object('status', status, 'reason', reason),
                               jsonb_build_object('status', 'discarded', 'reason', $4::text), '')::audit_entries ORDER BY event_id) AS entries
                      FROM locked JOIN changed USING (event_id)
                     WHERE org_id IS NOT NULL GROUP BY org_id ORDER BY org_id OFFSET 0) of_orgs)
        SELECT what AS "what!", count(*) AS "count!"
          FROM (SELECT CASE WHEN audited.event_id IS NOT NULL THEN 'done'
                            WHEN e.event_id IS NULL THEN 'unknown'
                            ELSE e.status END AS what
                  FROM unnest($1) asked (event_id)
                  LEFT JOIN events e ON e.event_id = asked.event_id AND e.event_id = ANY($1)
                  LEFT JOIN audited ON audited.event_id = asked.event_id) result
         WHERE (SELECT count(last) FROM trail) >= 0
         GROUP BY what"#,
        ids,
        now,
        actor,
        reason
    )
    .fetch_all(conn)
    .await
    .map_err(|error| DbError::new("event_actions.discard", error))
}

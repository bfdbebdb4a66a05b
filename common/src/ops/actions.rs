//! Replay and discard. Each chunk is one statement: the rows, their audit and the wake-up call stand or fall together.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Serialize;
use uuid::Uuid;

use super::filter::{Filter, bind_filter, matching};
use crate::{
    db::{Connection, DbError},
    domain::EventId,
};

/// Events that one selection holds, at most.
pub const MAX_SELECTION: u32 = 100_000;
/// Events that one statement changes: short locks, and an interrupted replay goes on where it was.
const CHUNK: usize = 1_000;

/// Events that were chosen by a filter at one moment. What arrives later is not among them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection {
    /// Latest first.
    pub ids: Vec<EventId>,
    /// More than `limit` events matched.
    pub more: bool,
}

/// What an action did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Events changed.
    pub done: u64,
    /// Events left as they were, by why: their status, `undecodable`, or `unknown`.
    pub skipped: BTreeMap<String, u64>,
}

/// Freezes the latest `limit` events that match.
pub async fn select(conn: &mut Connection, filter: &Filter, limit: u32) -> Result<Selection, DbError> {
    const SQL: &str = concat!(
        "SELECT e.event_id FROM events e WHERE ",
        matching!(),
        " ORDER BY e.event_id DESC LIMIT $9"
    );
    let limit = limit.min(MAX_SELECTION);
    let found: Vec<Uuid> = bind_filter!(sqlx::query_scalar(SQL), filter)
        .bind(i64::from(limit) + 1)
        .fetch_all(conn)
        .await
        .map_err(|error| DbError::new("ops.select", error))?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    Ok(Selection {
        more: found.len() > limit,
        ids: found.into_iter().take(limit).map(EventId).collect(),
    })
}

/// Queues dead and refused events again, with one attempt more. Applied ones are final; undecodable ones have nothing to
/// apply. The workers are told; replaying twice has one effect.
pub async fn replay(
    conn: &mut Connection,
    ids: &[EventId],
    actor: &str,
    now: DateTime<Utc>,
) -> Result<Counts, DbError> {
    // The compare-and-set is in `locked`: after waiting for a lock Postgres looks at the status again. The outcome that is
    // given up goes into the audit.
    const SQL: &str = "
        WITH locked AS (
            SELECT event_id, org_id, status, reason FROM events
             WHERE event_id = ANY($1) AND status IN ('dead', 'refused') AND org_id IS NOT NULL
             ORDER BY event_id FOR UPDATE),
        changed AS (
            UPDATE events e
               SET status = 'queued', reason = NULL, outcome = '\"queued\"', attempt = e.attempt + 1, due_at = $2
              FROM locked WHERE e.event_id = locked.event_id AND e.event_id = ANY($1)
            RETURNING e.event_id),
        audited AS (
            INSERT INTO event_actions (event_id, org_id, action, actor, reason, at)
            SELECT event_id, org_id, 'replay', $3, 'was ' || status || ': ' || reason, $2
              FROM locked JOIN changed USING (event_id) ORDER BY event_id
            RETURNING event_id)
        SELECT what, count(*), CASE what WHEN 'done' THEN pg_notify('commissary_events', '')::text END
          FROM (SELECT CASE WHEN audited.event_id IS NOT NULL THEN 'done'
                            WHEN e.event_id IS NULL THEN 'unknown'
                            WHEN e.org_id IS NULL THEN 'undecodable'
                            ELSE e.status END AS what
                  FROM unnest($1) asked (event_id)
                  LEFT JOIN events e ON e.event_id = asked.event_id AND e.event_id = ANY($1)
                  LEFT JOIN audited ON audited.event_id = asked.event_id) result
         GROUP BY what";
    let mut counts = Counts::default();
    for ids in in_lock_order(ids).chunks(CHUNK) {
        let rows: Vec<(String, i64, Option<String>)> = sqlx::query_as(SQL)
            .bind(ids)
            .bind(now)
            .bind(actor)
            .fetch_all(&mut *conn)
            .await
            .map_err(|error| DbError::new("ops.replay", error))?;
        counts.add(rows.into_iter().map(|(what, count, _notified)| (what, count)));
    }
    Ok(counts)
}

/// Gives up dead, refused and parked events. Why they failed stays readable; `reason` says why they are given up.
pub async fn discard(
    conn: &mut Connection,
    ids: &[EventId],
    reason: &str,
    actor: &str,
    now: DateTime<Utc>,
) -> Result<Counts, DbError> {
    const SQL: &str = "
        WITH locked AS (
            SELECT event_id, org_id FROM events
             WHERE event_id = ANY($1) AND status IN ('dead', 'refused', 'parked')
             ORDER BY event_id FOR UPDATE),
        changed AS (
            UPDATE events e SET status = 'discarded', outcome = '\"discarded\"', due_at = NULL
              FROM locked WHERE e.event_id = locked.event_id AND e.event_id = ANY($1)
            RETURNING e.event_id),
        audited AS (
            INSERT INTO event_actions (event_id, org_id, action, actor, reason, at)
            SELECT event_id, org_id, 'discard', $3, $4, $2 FROM locked JOIN changed USING (event_id) ORDER BY event_id
            RETURNING event_id)
        SELECT what, count(*)
          FROM (SELECT CASE WHEN audited.event_id IS NOT NULL THEN 'done'
                            WHEN e.event_id IS NULL THEN 'unknown'
                            ELSE e.status END AS what
                  FROM unnest($1) asked (event_id)
                  LEFT JOIN events e ON e.event_id = asked.event_id AND e.event_id = ANY($1)
                  LEFT JOIN audited ON audited.event_id = asked.event_id) result
         GROUP BY what";
    let mut counts = Counts::default();
    for ids in in_lock_order(ids).chunks(CHUNK) {
        let rows: Vec<(String, i64)> = sqlx::query_as(SQL)
            .bind(ids)
            .bind(now)
            .bind(actor)
            .bind(reason)
            .fetch_all(&mut *conn)
            .await
            .map_err(|error| DbError::new("ops.discard", error))?;
        counts.add(rows);
    }
    Ok(counts)
}

/// The ids in the order in which rows are locked, each once.
fn in_lock_order(ids: &[EventId]) -> Vec<Uuid> {
    let mut ids: Vec<_> = ids.iter().map(|id| id.0).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

impl Counts {
    fn add(&mut self, rows: impl IntoIterator<Item = (String, i64)>) {
        for (what, count) in rows {
            let count = u64::try_from(count).unwrap_or_default();
            if what == "done" {
                self.done += count;
            } else {
                *self.skipped.entry(what).or_default() += count;
            }
        }
    }
}

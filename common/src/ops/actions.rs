//! Choosing events, and replaying or discarding what was chosen, some at a time.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Serialize;
use uuid::Uuid;

use super::{filter::Filter, list::EVENTS};
use crate::{
    db::{
        Connection, DbError,
        event_actions::{self, ActionCount},
    },
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
    let limit = limit.min(MAX_SELECTION);
    let mut sql = filter
        .conditions()
        .statement(&format!("SELECT e.event_id FROM {EVENTS} WHERE "));
    sql.push(" ORDER BY e.event_id DESC LIMIT ")
        .push_bind(i64::from(limit) + 1);
    let found: Vec<Uuid> = sql
        .build_query_scalar()
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
    let mut counts = Counts::default();
    for ids in in_lock_order(ids).chunks(CHUNK) {
        counts.add(event_actions::replay(conn, ids, actor, now).await?);
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
    let mut counts = Counts::default();
    for ids in in_lock_order(ids).chunks(CHUNK) {
        counts.add(event_actions::discard(conn, ids, reason, actor, now).await?);
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
    fn add(&mut self, counts: Vec<ActionCount>) {
        for ActionCount { what, count } in counts {
            let count = u64::try_from(count).unwrap_or_default();
            if what == "done" {
                self.done += count;
            } else {
                *self.skipped.entry(what).or_default() += count;
            }
        }
    }
}

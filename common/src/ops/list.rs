//! Events in a list, latest first.

use chrono::{DateTime, Utc};
use serde::Serialize;
use uuid::Uuid;

use super::filter::Filter;
use crate::{
    db::{Connection, DbError},
    domain::EventStatus,
};

/// One line about an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, sqlx::FromRow)]
pub struct EventSummary {
    pub event_id: Uuid,
    /// The organisation's slug; `None` where the bytes could not be decoded.
    pub org: Option<String>,
    pub kind: String,
    pub dialect: String,
    pub status: EventStatus,
    /// The reason of a refusal, or the code of a dead event.
    pub reason: Option<String>,
    /// The sentence that goes with the reason.
    pub detail: Option<String>,
    /// The external id of the conversion that it is about.
    pub order: Option<String>,
    pub attempt: i32,
    /// Edits of the body by an operator.
    pub revision: i32,
    pub received_at: DateTime<Utc>,
    pub applied_at: Option<DateTime<Utc>>,
    /// Queued: not before; parked: dead after.
    pub due_at: Option<DateTime<Utc>>,
}

/// The columns of [`EventSummary`].
pub(super) const SUMMARY: &str =
    "e.event_id, o.slug AS org, e.kind, e.dialect, e.status, e.reason,
     CASE e.status WHEN 'refused' THEN e.outcome -> 'refused' ->> 'detail' WHEN 'dead' THEN f.detail END AS detail,
     e.order_key AS order, e.attempt, e.revision, e.received_at, e.applied_at, e.due_at";

/// What [`SUMMARY`] is read from.
pub(super) const EVENTS: &str = "events e
     LEFT JOIN orgs o ON o.org_id = e.org_id
     LEFT JOIN event_failures f ON f.event_id = e.event_id";

/// At most `limit` events that match, latest first.
pub async fn list(conn: &mut Connection, filter: &Filter, limit: u32) -> Result<Vec<EventSummary>, DbError> {
    let before = format!("SELECT {SUMMARY} FROM {EVENTS} WHERE ");
    let mut sql = filter.conditions().statement(&before);
    sql.push(" ORDER BY e.event_id DESC LIMIT ")
        .push_bind(i64::from(limit));
    sql.build_query_as()
        .fetch_all(conn)
        .await
        .map_err(|error| DbError::new("ops.list", error))
}

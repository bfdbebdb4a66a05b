//! Events in a list, latest first.

use chrono::{DateTime, Utc};
use serde::Serialize;
use uuid::Uuid;

use super::{
    filter::Filter,
    fingerprint::{fingerprint, group_id},
};
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
    /// What failures of the same cause have in common; `None`: it did not fail.
    pub fingerprint: Option<String>,
    /// A short name of that.
    pub group: Option<String>,
    /// When it died last.
    pub failed_at: Option<DateTime<Utc>>,
}

impl EventSummary {
    /// When it was decided, or came.
    pub fn changed_at(&self) -> DateTime<Utc> {
        self.failed_at.or(self.applied_at).unwrap_or(self.received_at)
    }
}

/// The columns of [`EventSummary`].
pub(super) const SUMMARY: &str = concat!(
    "e.event_id, o.slug AS org, e.kind, e.dialect, e.status, e.reason,
     CASE e.status WHEN 'refused' THEN e.outcome -> 'refused' ->> 'detail' WHEN 'dead' THEN f.detail END AS detail,
     e.order_key AS order, e.attempt, e.revision, e.received_at, e.applied_at, e.due_at, ",
    "CASE WHEN e.status IN ('refused', 'dead') THEN ",
    fingerprint!(),
    " END AS fingerprint, CASE WHEN e.status IN ('refused', 'dead') THEN ",
    group_id!(),
    " END AS \"group\", f.last_at AS failed_at"
);

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

/// At most `limit` events that match and that came, were decided or failed from `since` on, the earliest first: what somebody has to
/// see who follows them.
///
/// # Errors
/// When the database does not answer.
pub async fn changed_since(
    conn: &mut Connection,
    filter: &Filter,
    since: DateTime<Utc>,
    limit: u32,
) -> Result<Vec<EventSummary>, DbError> {
    let before = format!("SELECT {SUMMARY} FROM {EVENTS} WHERE ");
    let mut sql = filter.conditions().statement(&before);
    sql.push(" AND COALESCE(f.last_at, e.applied_at, e.received_at) >= ")
        .push_bind(since)
        .push(" ORDER BY COALESCE(f.last_at, e.applied_at, e.received_at), e.event_id LIMIT ")
        .push_bind(i64::from(limit));
    sql.build_query_as()
        .fetch_all(conn)
        .await
        .map_err(|error| DbError::new("ops.changed_since", error))
}

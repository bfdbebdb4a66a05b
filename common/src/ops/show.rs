//! Everything that is known about one event.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use sqlx::types::Json;

use super::list::{EventSummary, summary};
use crate::{
    db::{Connection, DbError},
    domain::EventId,
};

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EventDetails {
    #[serde(flatten)]
    pub summary: EventSummary,
    /// Whether a secret vouched for it.
    #[serde(rename = "trusted")]
    pub authenticated: bool,
    /// The number of the program that the key was bound to.
    pub program_scope: Option<i64>,
    pub idempotency_key: Option<String>,
    /// `X-Request-Id` of the call that it came with.
    pub request_id: Option<String>,
    /// What was asked for, as stored.
    pub body: Value,
    /// What became of it, as stored.
    pub outcome: Option<Value>,
    pub failure: Option<Failure>,
    /// What operators did, oldest first.
    pub actions: Vec<Action>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, sqlx::FromRow)]
pub struct Failure {
    pub code: String,
    pub detail: String,
    /// The same for failures of the same cause.
    pub fingerprint: String,
    /// The bytes as they came, where they could not be decoded.
    #[serde(serialize_with = "hex_or_null")]
    pub original: Option<Vec<u8>>,
    pub failures: i32,
    pub first_at: DateTime<Utc>,
    pub last_at: DateTime<Utc>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, sqlx::FromRow)]
pub struct Action {
    /// replay, discard or edit.
    pub action: String,
    pub actor: String,
    pub reason: Option<String>,
    pub at: DateTime<Utc>,
}

#[derive(sqlx::FromRow)]
struct Row {
    #[sqlx(flatten)]
    summary: EventSummary,
    #[sqlx(rename = "trusted")]
    authenticated: bool,
    program_scope: Option<i64>,
    idempotency_key: Option<String>,
    request_id: Option<String>,
    body: Json<Value>,
    outcome: Option<Json<Value>>,
}

/// The event with that id, of whatever organisation.
pub async fn show(conn: &mut Connection, id: EventId) -> Result<Option<EventDetails>, DbError> {
    const SQL: &str = concat!(
        "SELECT ",
        summary!(),
        ", e.trusted, e.program_scope, e.idempotency_key, e.request_id, e.body, e.outcome
           FROM events e
           LEFT JOIN orgs o ON o.org_id = e.org_id
           LEFT JOIN event_failures f ON f.event_id = e.event_id
          WHERE e.event_id = $1"
    );
    let failed = |error| DbError::new("ops.show", error);
    let row: Option<Row> = sqlx::query_as(SQL)
        .bind(id.0)
        .fetch_optional(&mut *conn)
        .await
        .map_err(failed)?;
    let Some(row) = row else { return Ok(None) };
    let failure = sqlx::query_as(
        "SELECT code, detail, fingerprint, original, failures, first_at, last_at FROM event_failures WHERE event_id = $1",
    )
    .bind(id.0)
    .fetch_optional(&mut *conn)
    .await
    .map_err(failed)?;
    let actions = sqlx::query_as(
        "SELECT action, actor, reason, at FROM event_actions WHERE event_id = $1 ORDER BY action_id",
    )
    .bind(id.0)
    .fetch_all(conn)
    .await
    .map_err(failed)?;
    Ok(Some(EventDetails {
        summary: row.summary,
        authenticated: row.authenticated,
        program_scope: row.program_scope,
        idempotency_key: row.idempotency_key,
        request_id: row.request_id,
        body: row.body.0,
        outcome: row.outcome.map(|Json(outcome)| outcome),
        failure,
        actions,
    }))
}

#[expect(
    clippy::ref_option,
    reason = "the signature that serde's serialize_with asks for"
)]
fn hex_or_null<S: serde::Serializer>(bytes: &Option<Vec<u8>>, serializer: S) -> Result<S::Ok, S::Error> {
    bytes.as_ref().map(hex::encode).serialize(serializer)
}

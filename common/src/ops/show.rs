//! Everything that is known about one event.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use sqlx::types::Json;

use super::list::{EVENTS, EventSummary, SUMMARY};
use crate::{
    db::{Connection, DbError, conditions::Conditions},
    domain::EventId,
};

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EventDetails {
    #[serde(flatten)]
    pub summary: EventSummary,
    /// Whether it came with a key or a signature.
    #[serde(rename = "trusted")]
    pub authenticated: bool,
    /// The number of the program that the key was bound to.
    pub program_scope: Option<i64>,
    pub idempotency_key: Option<String>,
    /// `X-Request-Id` of the call that it came with.
    pub request_id: Option<String>,
    /// What was asked for, as stored.
    pub body: Value,
    /// What was left out or cut of what was sent.
    pub warnings: Vec<String>,
    /// What became of it, as stored.
    pub outcome: Option<Value>,
    pub failure: Option<Failure>,
    /// What operators did, oldest first.
    pub actions: Vec<Action>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
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

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
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
    authenticated: bool,
    program_scope: Option<i64>,
    idempotency_key: Option<String>,
    request_id: Option<String>,
    body: Json<Value>,
    warnings: Option<Json<Vec<String>>>,
    outcome: Option<Json<Value>>,
}

/// The event with that id, of whatever organisation.
pub async fn show(conn: &mut Connection, id: EventId) -> Result<Option<EventDetails>, DbError> {
    let failed = |error| DbError::new("ops.show", error);
    // Put together at run time: its columns are those of the list, and more.
    let before = format!(
        "SELECT {SUMMARY}, e.trusted AS authenticated, e.program_scope, e.idempotency_key, e.request_id, e.body,
                e.warnings, e.outcome
           FROM {EVENTS} WHERE "
    );
    let row: Option<Row> = Conditions::default()
        .equals("e.event_id", Some(id.0))
        .statement(&before)
        .build_query_as()
        .fetch_optional(&mut *conn)
        .await
        .map_err(failed)?;
    let Some(row) = row else { return Ok(None) };
    let failure = sqlx::query_as!(
        Failure,
        "SELECT code, detail, fingerprint, original, failures, first_at, last_at FROM event_failures WHERE event_id = $1",
        id.0
    )
    .fetch_optional(&mut *conn)
    .await
    .map_err(failed)?;
    let actions = sqlx::query_as!(
        Action,
        "SELECT action, actor, reason, at FROM event_actions WHERE event_id = $1 ORDER BY action_id",
        id.0
    )
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
        warnings: row.warnings.map(|Json(warnings)| warnings).unwrap_or_default(),
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

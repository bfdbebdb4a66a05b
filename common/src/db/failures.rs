//! Dead-letter records: an event row with status `dead`, and beside it why.

use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};
use uuid::{Builder, Uuid};

use super::{Connection, DbError};
use crate::domain::Event;

/// Why an event could not be applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// A stable code: a SQLSTATE, `panic`, `crash_loop`, `undecodable`.
    pub code: String,
    /// The whole chain of errors, for a person.
    pub detail: String,
    /// What equal failures have in common.
    pub fingerprint: String,
}

/// Records an event as dead, unless it has been decided meanwhile. Returns whether it is dead now.
///
/// # Errors
/// When the database refuses or does not answer.
pub async fn bury(
    connection: &mut Connection,
    event: &Event,
    failure: &Failure,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    let body = serde_json::to_string(&event.body).unwrap_or_else(|_never| "null".to_owned());
    let buried = sqlx::query(
        "WITH dead AS (
             INSERT INTO events AS e (event_id, org_id, kind, dialect, status, reason, order_key, received_at, trusted,
                 program_scope, idempotency_key, idempotency_hash, body)
             VALUES ($1, $2, $3, $4, 'dead', $5, $6, $7, $8, $9, $10, decode($11, 'hex'), $12::json)
             ON CONFLICT ON CONSTRAINT events_pkey DO UPDATE
             SET status = 'dead', reason = excluded.reason, due_at = NULL
             WHERE e.status IN ('queued', 'parked', 'dead')
             RETURNING event_id, org_id)
         INSERT INTO event_failures AS f (event_id, org_id, code, detail, fingerprint, first_at, last_at)
         SELECT event_id, org_id, $5, $13, $14, $15, $15 FROM dead
         ON CONFLICT ON CONSTRAINT event_failures_pkey DO UPDATE
         SET code = excluded.code, detail = excluded.detail, fingerprint = excluded.fingerprint,
             failures = f.failures + 1, last_at = excluded.last_at",
    )
    .bind(event.id.0)
    .bind(event.org.0)
    .bind(event.body.kind().name())
    .bind(event.dialect.name())
    .bind(&failure.code)
    .bind(event.order())
    .bind(event.received_at)
    .bind(event.trusted)
    .bind(event.program_scope.map(|id| id.0))
    .bind(event.idempotency.as_ref().map(|key| key.key.as_str()))
    .bind(event.idempotency.as_ref().map(|key| key.hash.as_str()))
    .bind(body)
    .bind(&failure.detail)
    .bind(&failure.fingerprint)
    .bind(now)
    .execute(connection)
    .await
    .map_err(|error| DbError::new("failures.bury", error))?;
    Ok(buried.rows_affected() > 0)
}

/// Keeps bytes that nobody could decode, under an id derived from the bytes and the day, so that a redelivery of the
/// same message makes no second record.
///
/// # Errors
/// When the database does not answer.
pub async fn bury_bytes(
    connection: &mut Connection,
    bytes: &[u8],
    failure: &Failure,
    now: DateTime<Utc>,
) -> Result<Uuid, DbError> {
    let digest: [u8; 32] = Sha256::digest(bytes).into();
    let mut random = [0; 10];
    random.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
    let midnight = now.date_naive().and_time(chrono::NaiveTime::MIN).and_utc();
    let millis = u64::try_from(midnight.timestamp_millis()).unwrap_or_default();
    let id = Builder::from_unix_timestamp_millis(millis, &random).into_uuid();
    sqlx::query(
        "WITH dead AS (
             INSERT INTO events (event_id, kind, dialect, status, reason, received_at, trusted, body)
             VALUES ($1, 'unknown', 'native', 'dead', $2, $3, false, 'null')
             ON CONFLICT ON CONSTRAINT events_pkey DO NOTHING)
         INSERT INTO event_failures AS f (event_id, code, detail, fingerprint, original, first_at, last_at)
         VALUES ($1, $2, $4, $5, $6, $3, $3)
         ON CONFLICT ON CONSTRAINT event_failures_pkey DO UPDATE
         SET failures = f.failures + 1, last_at = excluded.last_at",
    )
    .bind(id)
    .bind(&failure.code)
    .bind(now)
    .bind(&failure.detail)
    .bind(&failure.fingerprint)
    .bind(bytes)
    .execute(connection)
    .await
    .map_err(|error| DbError::new("failures.bury_bytes", error))?;
    Ok(id)
}

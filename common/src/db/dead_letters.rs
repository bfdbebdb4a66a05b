//! Dead-letter records: an event row with status `dead`, and beside it why.

use std::borrow::Cow;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use sha2::{Digest, Sha256};
use uuid::{Builder, Uuid};

use super::{Connection, DbError, id_range::first_id_at, locks};
use crate::domain::{Event, OrgId};

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

impl Failure {
    /// Without NUL, which Postgres keeps in no text.
    pub fn new(code: &str, detail: &str, fingerprint: &str) -> Self {
        Self {
            code: storable(code).into_owned(),
            detail: storable(detail).into_owned(),
            fingerprint: storable(fingerprint).into_owned(),
        }
    }
}

fn storable(text: &str) -> Cow<'_, str> {
    if text.contains('\0') {
        Cow::Owned(text.replace('\0', "\u{fffd}"))
    } else {
        Cow::Borrowed(text)
    }
}

/// An event as its row holds it. What Postgres cannot keep is replaced: a record that is nearly right is better than none.
struct StorableEvent<'a> {
    id: Uuid,
    org: i64,
    kind: &'static str,
    dialect: &'static str,
    order_key: Option<Cow<'a, str>>,
    received_at: DateTime<Utc>,
    authenticated: bool,
    program_scope: Option<i64>,
    idempotency_key: Option<Cow<'a, str>>,
    /// In hexadecimal digits.
    idempotency_hash: Option<&'a str>,
    body: String,
    request_id: Option<Cow<'a, str>>,
    /// JSON; nothing where there are none.
    warnings: Option<String>,
}

impl<'a> From<&'a Event> for StorableEvent<'a> {
    fn from(event: &'a Event) -> Self {
        let Event {
            id,
            org,
            dialect,
            received_at,
            authenticated,
            program_scope,
            idempotency,
            // Nobody waits for what has failed.
            wait_until: _,
            body,
            request_id,
            trace: _,
            warnings,
        } = event;
        Self {
            id: id.0,
            org: OrgId::stored(*org),
            kind: body.kind().name(),
            dialect: dialect.name(),
            order_key: event.order().map(storable),
            received_at: *received_at,
            authenticated: *authenticated,
            program_scope: program_scope.map(|id| id.0),
            idempotency_key: idempotency.as_ref().map(|used| storable(&used.key)),
            idempotency_hash: idempotency.as_ref().map(|used| used.hash.as_str()),
            body: serde_json::to_string(body).unwrap_or_else(|_never| "null".to_owned()),
            request_id: request_id.as_deref().map(storable),
            warnings: (!warnings.is_empty()).then(|| json!(warnings).to_string()),
        }
    }
}

/// Attempts at an event that fails alone, because of what others hold, before it is dead: over an hour.
pub const MAX_ATTEMPTS: i32 = 10;
/// Before the second attempt; each later one waits twice as long as the one before.
const RETRY_FIRST: TimeDelta = TimeDelta::seconds(7);

/// Lets an event wait in its row for a later attempt. `queued`: its row was there, and this was one attempt more. Returns
/// `false` when its attempts are used up.
///
/// # Errors
/// When the database refuses or does not answer.
pub(crate) async fn postpone(
    connection: &mut Connection,
    event: &Event,
    queued: bool,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    let result = if queued {
        sqlx::query!(
            "UPDATE events
             SET attempt = attempt + 1, due_at = $2::timestamptz + make_interval(secs => $3 * 2 ^ (attempt - 1))
             WHERE event_id = $1 AND status = 'queued' AND attempt < $4",
            event.id.0,
            now,
            RETRY_FIRST.as_seconds_f64(),
            MAX_ATTEMPTS
        )
        .execute(connection)
        .await
    } else {
        let row = StorableEvent::from(event);
        // Whoever gave it a row already takes care of it.
        sqlx::query!(
            "INSERT INTO events (event_id, org_id, kind, dialect, order_key, received_at, trusted, program_scope,
                 idempotency_key, idempotency_hash, body, request_id, due_at, warnings, status, attempt)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, decode($10, 'hex'), $11::text::json, $12, $13,
                 $14::text::json, 'queued', 2)
             ON CONFLICT ON CONSTRAINT events_pkey DO NOTHING",
            row.id,
            row.org,
            row.kind,
            row.dialect,
            row.order_key.as_deref(),
            row.received_at,
            row.authenticated,
            row.program_scope,
            row.idempotency_key.as_deref(),
            row.idempotency_hash,
            row.body,
            row.request_id.as_deref(),
            now + RETRY_FIRST,
            row.warnings
        )
        .execute(connection)
        .await
    };
    let result = result.map_err(|error| DbError::new("failures.postpone", error))?;
    Ok(!queued || result.rows_affected() > 0)
}

/// Records an event as dead, unless it has been decided meanwhile. Returns whether it is dead now.
///
/// # Errors
/// When the database refuses or does not answer.
pub(crate) async fn record(
    connection: &mut Connection,
    event: &Event,
    failure: &Failure,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    let row = StorableEvent::from(event);
    let recorded = sqlx::query!(
        "WITH dead AS (
             INSERT INTO events AS e (event_id, org_id, kind, dialect, order_key, received_at, trusted, program_scope,
                 idempotency_key, idempotency_hash, body, request_id, warnings, status, reason)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, decode($10, 'hex'), $11::text::json, $12,
                 $17::text::json, 'dead', $13)
             ON CONFLICT ON CONSTRAINT events_pkey DO UPDATE
             SET status = 'dead', reason = excluded.reason, due_at = NULL
             WHERE e.status IN ('queued', 'parked', 'dead')
             RETURNING event_id, org_id)
         INSERT INTO event_failures AS f (event_id, org_id, code, detail, fingerprint, first_at, last_at)
         SELECT event_id, org_id, $13, $14, $15, $16, $16 FROM dead
         ON CONFLICT ON CONSTRAINT event_failures_pkey DO UPDATE
         SET code = excluded.code, detail = excluded.detail, fingerprint = excluded.fingerprint,
             failures = f.failures + 1, last_at = excluded.last_at",
        row.id,
        row.org,
        row.kind,
        row.dialect,
        row.order_key.as_deref(),
        row.received_at,
        row.authenticated,
        row.program_scope,
        row.idempotency_key.as_deref(),
        row.idempotency_hash,
        row.body,
        row.request_id.as_deref(),
        failure.code,
        failure.detail,
        failure.fingerprint,
        now,
        row.warnings
    )
    .execute(connection)
    .await
    .map_err(|error| DbError::new("dead_letters.record", error))?;
    Ok(recorded.rows_affected() > 0)
}

/// Keeps bytes that nobody could decode, under an id of the moment at which they came: a list shows the latest first. The same bytes on the
/// same day are one record, so that a redelivery makes no second. To be called in a transaction.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn record_bytes(
    connection: &mut Connection,
    bytes: &[u8],
    failure: &Failure,
    now: DateTime<Utc>,
) -> Result<Uuid, DbError> {
    let failed = |error| DbError::new("dead_letters.record_bytes", error);
    let digest: [u8; 32] = Sha256::digest(bytes).into();
    let mut random = [0; 10];
    random.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
    // Whoever keeps the same bytes at this moment does so first.
    let lock = digest.first_chunk().copied().map(i64::from_be_bytes);
    locks::lock_keys(connection, &[lock.unwrap_or_default()]).await?;
    let midnight = now.date_naive().and_time(chrono::NaiveTime::MIN).and_utc();
    let again = sqlx::query_scalar!(
        "UPDATE event_failures SET failures = failures + 1, last_at = $4
         WHERE event_id >= $1 AND event_id < $2 AND original = $3 RETURNING event_id",
        first_id_at(midnight),
        first_id_at(midnight + TimeDelta::days(1)),
        bytes,
        now
    );
    if let Some(known) = again.fetch_optional(&mut *connection).await.map_err(failed)? {
        return Ok(known);
    }
    let millis = u64::try_from(now.timestamp_millis()).unwrap_or_default();
    let id = Builder::from_unix_timestamp_millis(millis, &random).into_uuid();
    sqlx::query!(
        "WITH dead AS (
             INSERT INTO events (event_id, kind, dialect, status, reason, received_at, trusted, body)
             VALUES ($1, 'unknown', 'native', 'dead', $2, $3, false, 'null')
             ON CONFLICT ON CONSTRAINT events_pkey DO NOTHING)
         INSERT INTO event_failures AS f (event_id, code, detail, fingerprint, original, first_at, last_at)
         VALUES ($1, $2, $4, $5, $6, $3, $3)
         ON CONFLICT ON CONSTRAINT event_failures_pkey DO UPDATE
         SET failures = f.failures + 1, last_at = excluded.last_at",
        id,
        failure.code,
        now,
        failure.detail,
        failure.fingerprint,
        bytes
    )
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(id)
}

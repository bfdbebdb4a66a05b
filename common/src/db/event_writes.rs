//! The one write of each event with its outcome.

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::{Connection, DbError, columns::columns, copy, copy::copy_in, decode};
use crate::domain::{Decision, Event, OrgId, Outcome, RowWrite, dependency};

/// How long an event waits for the one it depends on before it is dead.
pub const PARKING_HOURS: i64 = 24;

/// Writes each decided event once, with its outcome.
///
/// # Errors
/// When the database refuses or does not answer.
pub(crate) async fn write(
    connection: &mut Connection,
    decisions: &[Decision],
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let (mut new, mut changed) = (Vec::new(), Vec::new());
    for decision in decisions {
        match decision.row_write {
            RowWrite::Insert => new.push(EventRow::of(decision, now)?),
            RowWrite::Update => changed.push(EventRow::of(decision, now)?),
            RowWrite::Known => {}
        }
    }
    if let Some(new) = Columns::of(&new) {
        insert(connection, &new).await?;
    }
    if let Some(changed) = Columns::of(&changed) {
        update(connection, &changed).await?;
    }
    Ok(())
}

/// Gives events their rows, to be applied from there.
///
/// # Errors
/// When the database refuses or does not answer.
pub(crate) async fn enqueue(
    connection: &mut Connection,
    events: Vec<Event>,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let due_now = events.into_iter().map(|event| (event, now));
    enqueue_each(connection, due_now).await
}

/// Gives events their rows, to be applied from there, each when it is due.
///
/// # Errors
/// When the database refuses or does not answer.
pub(crate) async fn enqueue_each(
    connection: &mut Connection,
    events: impl Iterator<Item = (Event, DateTime<Utc>)>,
) -> Result<(), DbError> {
    let queued = |event| Decision {
        event,
        outcome: Outcome::Queued,
        row_write: RowWrite::Insert,
        before: None,
    };
    let decisions: Vec<_> = events.map(|(event, due_at)| (queued(event), due_at)).collect();
    let mut rows = Vec::with_capacity(decisions.len());
    for (decision, due_at) in &decisions {
        rows.push(EventRow {
            due_at: Some(*due_at),
            ..EventRow::of(decision, *due_at)?
        });
    }
    match Columns::of(&rows) {
        Some(rows) => insert(connection, &rows).await,
        None => Ok(()),
    }
}

/// A decided event as its row holds it.
struct EventRow<'a> {
    decision: &'a Decision,
    body: String,
    outcome: Option<String>,
    /// JSON; nothing where there are none.
    warnings: Option<String>,
    applied_at: Option<DateTime<Utc>>,
    due_at: Option<DateTime<Utc>>,
}

impl<'a> EventRow<'a> {
    fn of(decision: &'a Decision, now: DateTime<Utc>) -> Result<Self, DbError> {
        let json = |error: serde_json::Error| decode("events.body", error);
        let is_decided = matches!(decision.outcome, Outcome::Applied(_) | Outcome::Refused(_));
        let outcome = is_decided.then(|| serde_json::to_string(&decision.outcome));
        let warnings = &decision.event.warnings;
        let warnings = (!warnings.is_empty()).then(|| serde_json::to_string(warnings));
        Ok(Self {
            decision,
            body: serde_json::to_string(&decision.event.body).map_err(json)?,
            outcome: outcome.transpose().map_err(json)?,
            warnings: warnings.transpose().map_err(json)?,
            applied_at: is_decided.then_some(now),
            due_at: due_at(decision, now),
        })
    }
}

fn due_at(decision: &Decision, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    match decision.outcome {
        Outcome::Parked => Some(now + TimeDelta::hours(PARKING_HOURS)),
        Outcome::Queued if is_looked_at_again(decision, now) => Some(decision.event.next_look(now)),
        Outcome::Queued => Some(now),
        Outcome::Applied(_) | Outcome::Refused(_) | Outcome::Dead(_) | Outcome::Discarded => None,
    }
}

/// Whether it is queued because what it needs was not there just now. Who needs to know only that nothing earlier is under way
/// is not looked at before.
fn is_looked_at_again(decision: &Decision, now: DateTime<Utc>) -> bool {
    let event = &decision.event;
    if event.is_change() {
        event.is_awaited(now)
    } else {
        decision.row_write == RowWrite::Update && !dependency::needed(event).is_empty()
    }
}

columns! {
    /// Events, column by column.
    Columns<'a> of EventRow {
        decision: Decision {
            event: event @ Event {
                id, org, dialect, received_at, authenticated, program_scope, idempotency, wait_until, request_id,
                // Travels with the event and is not stored.
                trace: _,
                // As text beside it.
                warnings: _, body: _,
            },
            outcome,
            // Says whether it is inserted or updated.
            row_write: _,
            // For the audit trail.
            before: _,
        },
        body, outcome: outcome_json, warnings, applied_at, due_at,
    } in &'a EventRow<'a> {
        event_id: Uuid = id.0,
        org_id: i64 = OrgId::stored(*org),
        kind: &'a str = event.body.kind().name(),
        dialect: &'a str = dialect.name(),
        status: &'a str = outcome.status().name(),
        reason: Option<&'a str> = outcome.reason(),
        order_key: Option<&'a str> = event.order(),
        received_at: DateTime<Utc> = *received_at,
        applied_at: Option<DateTime<Utc>> = *applied_at,
        due_at: Option<DateTime<Utc>> = *due_at,
        trusted: bool = *authenticated,
        program_scope: Option<i64> = program_scope.map(|id| id.0),
        idempotency_key: Option<&'a str> = idempotency.as_ref().map(|used| used.key.as_str()),
        idempotency_hash: Option<Vec<u8>> = idempotency.as_ref().map(|used| bytes(&used.hash)),
        body: &'a str = body,
        outcome: Option<&'a str> = outcome_json.as_deref(),
        wait_until: Option<DateTime<Utc>> = wait_until.filter(|_| *outcome == Outcome::Queued),
        request_id: Option<&'a str> = request_id.as_deref(),
        warnings: Option<&'a str> = warnings.as_deref(),
        /// For what it needs.
        waits: bool = *outcome == Outcome::Queued && !dependency::needed(event).is_empty(),
    }
}

/// Of a hash in hexadecimal; what is none is kept as it is.
fn bytes(hash: &str) -> Vec<u8> {
    hex::decode(hash).unwrap_or_else(|_not_hexadecimal| hash.as_bytes().to_vec())
}

async fn insert_many(connection: &mut Connection, new: &Columns<'_>) -> Result<(), DbError> {
    copy_in!(
        connection,
        "COPY events",
        "events.copy",
        new,
        [
            event_id,
            org_id,
            kind,
            dialect,
            status,
            reason,
            order_key,
            received_at,
            applied_at,
            due_at,
            trusted,
            program_scope,
            idempotency_key,
            idempotency_hash,
            body,
            outcome,
            wait_until,
            request_id,
            warnings
        ]
    )
}

async fn insert(connection: &mut Connection, new: &Columns<'_>) -> Result<(), DbError> {
    // Those that wait note the last barrier, which only the database knows.
    if new.event_id.len() >= copy::MANY && !new.waits.contains(&true) {
        return insert_many(connection, new).await;
    }
    sqlx::query!(
        "INSERT INTO events (event_id, org_id, kind, dialect, status, reason, order_key, received_at, applied_at, due_at,
             trusted, program_scope, idempotency_key, idempotency_hash, body, outcome, wait_until, request_id, warnings,
             waits_since)
         SELECT event_id, org_id, kind, dialect, status, reason, order_key, received_at, applied_at, due_at, trusted,
             program_scope, idempotency_key, idempotency_hash, body, outcome, wait_until, request_id, warnings,
             CASE WHEN waits THEN (SELECT last_value FROM barriers) END
         FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
             $8::timestamptz[], $9::timestamptz[], $10::timestamptz[], $11::boolean[], $12::bigint[], $13::text[],
             $14::bytea[], $15::text[]::json[], $16::text[]::json[], $17::timestamptz[], $18::text[], $19::boolean[],
             $20::text[]::json[])
           AS new (event_id, org_id, kind, dialect, status, reason, order_key, received_at, applied_at, due_at, trusted,
             program_scope, idempotency_key, idempotency_hash, body, outcome, wait_until, request_id, waits, warnings)",
        &new.event_id,
        &new.org_id,
        &new.kind as _,
        &new.dialect as _,
        &new.status as _,
        &new.reason as _,
        &new.order_key as _,
        &new.received_at,
        &new.applied_at as _,
        &new.due_at as _,
        &new.trusted,
        &new.program_scope as _,
        &new.idempotency_key as _,
        &new.idempotency_hash as _,
        &new.body as _,
        &new.outcome as _,
        &new.wait_until as _,
        &new.request_id as _,
        &new.waits,
        &new.warnings as _,
    )
    .execute(connection)
    .await
    .map_err(|error| DbError::new("events.insert", error))?;
    Ok(())
}

/// What was sent stays; an event without a key may have found its organisation only now.
async fn update(connection: &mut Connection, changed: &Columns<'_>) -> Result<(), DbError> {
    let updated = sqlx::query!(
        "UPDATE events e
         SET status = new.status, reason = new.reason, applied_at = new.applied_at, due_at = new.due_at,
             outcome = new.outcome, org_id = new.org_id, program_scope = new.program_scope,
             waits_since = CASE WHEN waits THEN COALESCE(e.waits_since, (SELECT last_value FROM barriers)) ELSE e.waits_since END
         FROM unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[], $5::timestamptz[], $6::text[]::json[],
                 $7::bigint[], $8::bigint[], $9::boolean[])
           AS new (event_id, status, reason, applied_at, due_at, outcome, org_id, program_scope, waits)
         WHERE e.event_id = new.event_id AND e.status IN ('queued', 'parked')",
        &changed.event_id,
        &changed.status as _,
        &changed.reason as _,
        &changed.applied_at as _,
        &changed.due_at as _,
        &changed.outcome as _,
        &changed.org_id,
        &changed.program_scope as _,
        &changed.waits,
    )
    .execute(connection)
    .await
    .map_err(|error| DbError::new("events.update", error))?;
    // Somebody decided one of them meanwhile: what was decided here must not take effect.
    if usize::try_from(updated.rows_affected()).ok() != Some(changed.event_id.len()) {
        return Err(DbError::new("events.update", sqlx::Error::RowNotFound));
    }
    Ok(())
}

//! Event rows: known outcomes, waiting events, and the one write of each event with its outcome.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::types::Json;
use uuid::Uuid;

use super::{Connection, DbError, columns::columns, copy, copy::copy_in, decode, locks, queued_turns};
use crate::{
    domain::{
        Body, CreateConversion, Decision, Dialect, Event, EventId, EventStatus, Idempotency, OrgId, Outcome,
        ProgramId, RowWrite, dependency,
    },
    telemetry,
};

/// How long an event waits for the one it depends on before it is dead.
pub const PARKING_HOURS: i64 = 24;

struct OutcomeRow {
    id: EventId,
    status: String,
    reason: Option<String>,
    outcome: Option<Json<Outcome>>,
}

impl OutcomeRow {
    fn outcome(self) -> Result<(EventId, Outcome), DbError> {
        let outcome = match (EventStatus::parse(&self.status), self.outcome) {
            (Some(EventStatus::Applied | EventStatus::Refused), Some(outcome)) => outcome.0,
            (Some(EventStatus::Queued), _) => Outcome::Queued,
            (Some(EventStatus::Parked), _) => Outcome::Parked,
            (Some(EventStatus::Dead), _) => Outcome::Dead(self.reason.unwrap_or_default()),
            (Some(EventStatus::Discarded), _) => Outcome::Discarded,
            (Some(EventStatus::Applied | EventStatus::Refused) | None, _) => {
                return Err(decode("events.status", self.status));
            }
        };
        Ok((self.id, outcome))
    }
}

/// The outcomes of those events that have a row.
///
/// # Errors
/// When the database does not answer.
pub async fn known(connection: &mut Connection, ids: &[EventId]) -> Result<Vec<(EventId, Outcome)>, DbError> {
    let (Some(least), Some(greatest)) = (ids.iter().min(), ids.iter().max()) else {
        return Ok(Vec::new());
    };
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    // The bounds let Postgres pass over the days in which none of them can be.
    let rows = sqlx::query_as!(
        OutcomeRow,
        r#"SELECT event_id AS "id: EventId", status, reason, outcome AS "outcome: Json<Outcome>" FROM events
         WHERE event_id = ANY ($1) AND event_id BETWEEN $2 AND $3"#,
        &ids,
        least.0,
        greatest.0
    )
    .fetch_all(connection)
    .await
    .map_err(|error| DbError::new("events.known", error))?;
    rows.into_iter().map(OutcomeRow::outcome).collect()
}

/// A sale as it was applied.
#[derive(Debug)]
pub struct Sale {
    pub event: EventId,
    pub outcome: Outcome,
    pub create: CreateConversion,
}

/// What those of the events asked for that are applied sales, and how they ended. One that this version cannot read is left out.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn sales(connection: &mut Connection, ids: &[EventId]) -> Result<Vec<Sale>, DbError> {
    let (Some(least), Some(greatest)) = (ids.iter().min(), ids.iter().max()) else {
        return Ok(Vec::new());
    };
    let all: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    let rows = sqlx::query!(
        r#"SELECT event_id AS "event: EventId", body::text AS "body!", outcome::text AS "outcome!" FROM events
         WHERE event_id = ANY ($1) AND event_id BETWEEN $2 AND $3 AND status = 'applied' AND kind = 'create_conversion'
             AND outcome IS NOT NULL"#,
        &all,
        least.0,
        greatest.0
    )
    .fetch_all(connection)
    .await
    .map_err(|error| DbError::new("events.sales", error))?;
    let sale = |(event, body, outcome): (EventId, String, String)| match serde_json::from_str(&body).ok()? {
        Body::CreateConversion(create) => Some(Sale {
            event,
            outcome: serde_json::from_str(&outcome).ok()?,
            create: *create,
        }),
        _ => None,
    };
    let rows = rows.into_iter().map(|row| (row.event, row.body, row.outcome));
    Ok(rows.filter_map(sale).collect())
}

struct Row {
    id: EventId,
    /// As [`OrgId::stored`].
    org: OrgId,
    /// Dialect and body as text: a newer version may have written what this one cannot read, and that must not cost the
    /// row's neighbours.
    dialect: String,
    received_at: DateTime<Utc>,
    authenticated: bool,
    program_scope: Option<ProgramId>,
    idempotency_key: Option<String>,
    idempotency_hash: Option<Vec<u8>>,
    wait_until: Option<DateTime<Utc>>,
    request_id: Option<String>,
    waits_since: Option<i64>,
    attempt: i32,
    warnings: Option<Json<Vec<String>>>,
    body: String,
}

impl Row {
    fn event(self) -> Result<Event, DbError> {
        let idempotency = self.idempotency_key.zip(self.idempotency_hash);
        Ok(Event {
            id: self.id,
            org: OrgId::from_stored(self.org.0),
            dialect: Dialect::parse(&self.dialect).ok_or_else(|| decode("events.dialect", &self.dialect))?,
            received_at: self.received_at,
            authenticated: self.authenticated,
            program_scope: self.program_scope,
            idempotency: idempotency.map(|(key, hash)| Idempotency::plain(key, hex::encode(hash))),
            wait_until: self.wait_until,
            request_id: self.request_id,
            trace: None,
            warnings: self.warnings.map(|Json(warnings)| warnings).unwrap_or_default(),
            body: serde_json::from_str::<Body>(&self.body).map_err(|error| decode("events.body", error))?,
        })
    }
}

/// Those of the events that are parked, with their rows locked: an operator may be about to discard them. Those of a newer
/// version stay parked.
///
/// # Errors
/// When the database does not answer.
pub async fn parked(connection: &mut Connection, ids: &[EventId]) -> Result<Vec<Event>, DbError> {
    let (Some(least), Some(greatest)) = (ids.iter().min(), ids.iter().max()) else {
        return Ok(Vec::new());
    };
    let all: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT event_id AS "id: EventId", org_id AS "org!: OrgId", dialect, received_at, trusted AS authenticated,
                program_scope AS "program_scope: ProgramId", idempotency_key, idempotency_hash,
                NULL::timestamptz AS "wait_until?", request_id, NULL::bigint AS "waits_since?", attempt,
                warnings AS "warnings: Json<Vec<String>>", body::text AS "body!"
         FROM events WHERE event_id = ANY ($1) AND event_id BETWEEN $2 AND $3 AND status = 'parked'
         ORDER BY event_id FOR UPDATE"#,
        &all,
        least.0,
        greatest.0
    )
    .fetch_all(connection)
    .await
    .map_err(|error| DbError::new("events.parked", error))?;
    let (events, unreadable) = read(rows);
    for (id, error) in unreadable {
        tracing::error!(event.id = %id, error = %telemetry::chain(&error), "a parked event waits for a newer worker");
    }
    Ok(events)
}

/// Queued events whose turn has come.
#[derive(Debug, Default)]
pub struct Due {
    pub events: Vec<Event>,
    /// What this version cannot read, most likely because a newer one wrote it.
    pub unreadable: Vec<(EventId, DbError)>,
    /// Of those that wait for what they need: the last barrier that was set before (see [`super::barriers`]).
    pub waits_since: HashMap<EventId, i64>,
    /// Those that were tried before.
    pub tried: HashSet<EventId>,
}

/// Events whose rows wait for their turn, the longest due first; of more than `limit` each organisation has its part. They are not
/// locked: whoever applies them takes the locks of their keys and looks again.
///
/// # Errors
/// When the database does not answer.
pub async fn due(connection: &mut Connection, now: DateTime<Utc>, limit: i64) -> Result<Due, DbError> {
    let mut rows = sqlx::query_as!(
        Row,
        r#"SELECT event_id AS "id: EventId", org_id AS "org!: OrgId", dialect, received_at, trusted AS authenticated,
                program_scope AS "program_scope: ProgramId", idempotency_key, idempotency_hash, wait_until,
                request_id, waits_since, attempt, warnings AS "warnings: Json<Vec<String>>", body::text AS "body!"
         FROM events WHERE status = 'queued' AND due_at <= $1 AND org_id IS NOT NULL
         ORDER BY due_at, event_id LIMIT $2"#,
        now,
        limit
    )
    .fetch_all(&mut *connection)
    .await
    .map_err(|error| DbError::new("events.due", error))?;
    if i64::try_from(rows.len()).is_ok_and(|count| count >= limit) {
        let chosen = queued_turns::choose(connection, now, limit).await?;
        rows = still_queued(connection, &chosen).await?;
    }
    let waits_since = rows.iter().filter_map(|row| Some((row.id, row.waits_since?)));
    let waits_since = waits_since.collect();
    let tried = rows.iter().filter(|row| row.attempt > 1);
    let tried = tried.map(|row| row.id).collect();
    let (events, unreadable) = read(rows);
    Ok(Due {
        events,
        unreadable,
        waits_since,
        tried,
    })
}

async fn still_queued(connection: &mut Connection, ids: &[Uuid]) -> Result<Vec<Row>, DbError> {
    let (least, greatest) = (ids.iter().min().copied(), ids.iter().max().copied());
    sqlx::query_as!(
        Row,
        r#"SELECT event_id AS "id: EventId", org_id AS "org!: OrgId", dialect, received_at, trusted AS authenticated,
                program_scope AS "program_scope: ProgramId", idempotency_key, idempotency_hash, wait_until,
                request_id, waits_since, attempt, warnings AS "warnings: Json<Vec<String>>", body::text AS "body!"
         FROM events WHERE event_id = ANY ($1) AND event_id BETWEEN $2 AND $3 AND status = 'queued'
         ORDER BY due_at, event_id"#,
        ids,
        least,
        greatest
    )
    .fetch_all(connection)
    .await
    .map_err(|error| DbError::new("events.queued", error))
}

fn read(rows: Vec<Row>) -> (Vec<Event>, Vec<(EventId, DbError)>) {
    let (mut events, mut unreadable) = (Vec::new(), Vec::new());
    for row in rows {
        let id = row.id;
        match row.event() {
            Ok(event) => events.push(event),
            Err(error) => unreadable.push((id, error)),
        }
    }
    (events, unreadable)
}

/// Lets queued events wait longer, without counting it as an attempt.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn put_off(
    connection: &mut Connection,
    ids: &[EventId],
    until: DateTime<Utc>,
) -> Result<(), DbError> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    sqlx::query!(
        "UPDATE events SET due_at = $2 WHERE event_id = ANY ($1) AND status = 'queued'",
        &ids,
        until
    )
    .execute(connection)
    .await
    .map_err(|error| DbError::new("events.put_off", error))?;
    Ok(())
}

/// Looks at queued events later: after a part of the time that they have waited.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn let_wait(
    connection: &mut Connection,
    ids: &[EventId],
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    sqlx::query!(
        "UPDATE events
         SET due_at = $2::timestamptz + LEAST(GREATEST(($2::timestamptz - received_at) / 4, interval '100 ms'), interval '5 s')
         WHERE event_id = ANY ($1) AND status = 'queued'",
        &ids,
        now
    )
    .execute(connection)
    .await
    .map_err(|error| DbError::new("events.let_wait", error))?;
    Ok(())
}

/// When the first of the queued events is due.
///
/// # Errors
/// When the database does not answer.
pub async fn next_due(connection: &mut Connection) -> Result<Option<DateTime<Utc>>, DbError> {
    sqlx::query_scalar!("SELECT min(due_at) FROM events WHERE status = 'queued' AND org_id IS NOT NULL")
        .fetch_one(connection)
        .await
        .map_err(|error| DbError::new("events.next_due", error))
}

/// Parked events are queued where what they wait for has come meanwhile, should the transaction that brought it have missed them:
/// a worker of an earlier version knows no [`super::parked_keys`]. Those that waited too long are dead, unless bulk of their
/// organisation still waits. Returns how many of each. Nothing is done while another worker does it.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn sweep_parked(
    connection: &mut Connection,
    now: DateTime<Utc>,
) -> Result<(u64, u64), DbError> {
    if !locks::try_lock_task(connection, "sweep").await? {
        return Ok((0, 0));
    }
    let queued = sqlx::query!(
        "UPDATE events e SET status = 'queued', due_at = $1
         WHERE e.status = 'parked' AND (EXISTS (
             SELECT FROM conversions c
             WHERE (c.org_id, c.external_id) = (e.org_id, e.order_key) AND c.deleted_at IS NULL)
          OR e.event_id IN (
             SELECT k.event_id FROM parked_keys k JOIN customers c ON (c.org_id, c.identity) = (k.org_id, k.name)
             WHERE k.kind = 'customer'))",
        now
    )
    .execute(&mut *connection)
    .await
    .map_err(|error| DbError::new("events.sweep", error))?;
    let dead = sqlx::query!(
        "WITH dead AS (
             UPDATE events e SET status = 'dead', reason = 'missing_parent', due_at = NULL
             WHERE e.status = 'parked' AND e.due_at <= $1
               AND NOT EXISTS (SELECT FROM spool s WHERE s.bulk_of IN (0, e.org_id))
             RETURNING event_id, org_id)
         INSERT INTO event_failures AS f (event_id, org_id, code, detail, fingerprint, first_at, last_at)
         SELECT event_id, org_id, 'missing_parent', 'what it waited for did not come', 'missing_parent', $1, $1
         FROM dead
         ON CONFLICT ON CONSTRAINT event_failures_pkey DO UPDATE
         SET code = excluded.code, detail = excluded.detail, fingerprint = excluded.fingerprint,
             failures = f.failures + 1, last_at = excluded.last_at",
        now
    )
    .execute(connection)
    .await
    .map_err(|error| DbError::new("events.expire", error))?;
    Ok((queued.rows_affected(), dead.rows_affected()))
}

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

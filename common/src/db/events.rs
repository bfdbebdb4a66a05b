//! Event rows: known outcomes, and waiting events. How they are written is in `event_writes`.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use sqlx::types::Json;
use uuid::Uuid;

use super::{Connection, DbError, decode, locks, queued_turns};
use crate::{
    domain::{
        Body, CreateConversion, Dialect, Event, EventId, EventStatus, Idempotency, OrgId, Outcome, ProgramId,
    },
    telemetry,
};

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

//! Event rows: known outcomes, waiting events, and the one write of each event with its outcome.

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::{Connection, DbError, decode, locks};
use crate::{
    domain::{Body, Decision, Dialect, Event, EventId, Idempotency, OrgId, Outcome, ProgramId, Verdict},
    telemetry,
};

/// How long an event waits for the one it depends on before it is dead.
pub const PARKING_HOURS: i64 = 24;
/// When an event whose caller waits, but whose order is not there, is looked at for the second time: by then a batch that was
/// under way in another lane has been applied.
const SECOND_LOOK: TimeDelta = TimeDelta::milliseconds(250);

#[derive(sqlx::FromRow)]
struct OutcomeRow {
    event_id: Uuid,
    status: String,
    reason: Option<String>,
    outcome: Option<sqlx::types::Json<Outcome>>,
}

impl OutcomeRow {
    fn outcome(self) -> Result<(EventId, Outcome), DbError> {
        let outcome = match (self.status.as_str(), self.outcome) {
            ("applied" | "refused", Some(outcome)) => outcome.0,
            ("queued", _) => Outcome::Queued,
            ("parked", _) => Outcome::Parked,
            ("dead", _) => Outcome::Dead(self.reason.unwrap_or_default()),
            ("discarded", _) => Outcome::Discarded,
            (status, _) => return Err(decode("events.status", status)),
        };
        Ok((EventId(self.event_id), outcome))
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
    // The bounds let Postgres pass over the days in which none of them can be.
    let rows: Vec<OutcomeRow> = sqlx::query_as(
        "SELECT event_id, status, reason, outcome FROM events
         WHERE event_id = ANY ($1) AND event_id BETWEEN $2 AND $3",
    )
    .bind(ids.iter().map(|id| id.0).collect::<Vec<_>>())
    .bind(least.0)
    .bind(greatest.0)
    .fetch_all(connection)
    .await
    .map_err(|error| DbError::new("events.known", error))?;
    rows.into_iter().map(OutcomeRow::outcome).collect()
}

#[derive(sqlx::FromRow)]
struct Row {
    event_id: Uuid,
    org_id: i64,
    dialect: String,
    received_at: DateTime<Utc>,
    #[sqlx(rename = "trusted")]
    authenticated: bool,
    program_scope: Option<i64>,
    idempotency_key: Option<String>,
    idempotency_hash: Option<Vec<u8>>,
    #[sqlx(default)]
    wait_until: Option<DateTime<Utc>>,
    request_id: Option<String>,
    /// As text: a newer version may have written what this one cannot read, and that must not cost its neighbours.
    body: String,
}

impl Row {
    fn event(self) -> Result<Event, DbError> {
        let idempotency = self.idempotency_key.zip(self.idempotency_hash);
        Ok(Event {
            id: EventId(self.event_id),
            org: OrgId(self.org_id),
            dialect: Dialect::parse(&self.dialect).ok_or_else(|| decode("events.dialect", &self.dialect))?,
            received_at: self.received_at,
            authenticated: self.authenticated,
            program_scope: self.program_scope.map(ProgramId),
            idempotency: idempotency.map(|(key, hash)| Idempotency {
                key,
                hash: hex::encode(hash),
            }),
            wait_until: self.wait_until,
            request_id: self.request_id,
            body: serde_json::from_str::<Body>(&self.body).map_err(|error| decode("events.body", error))?,
        })
    }
}

/// Events parked for any of the orders, with their rows locked: an operator may be about to discard them. Those of a newer
/// version stay parked.
///
/// # Errors
/// When the database does not answer.
pub async fn parked(connection: &mut Connection, orders: &[(OrgId, &str)]) -> Result<Vec<Event>, DbError> {
    let (orgs, keys): (Vec<i64>, Vec<&str>) = orders.iter().map(|(org, key)| (org.0, *key)).unzip();
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT e.event_id, e.org_id, e.dialect, e.received_at, e.trusted, e.program_scope, e.idempotency_key,
                e.idempotency_hash, e.request_id, e.body::text AS body
         FROM unnest($1::bigint[], $2::text[]) AS sent (org_id, order_key)
         JOIN events e ON (e.org_id, e.order_key) = (sent.org_id, sent.order_key) AND e.status = 'parked'
         ORDER BY e.event_id FOR UPDATE OF e",
    )
    .bind(orgs)
    .bind(keys)
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
}

/// Events whose rows wait for their turn, the longest due first. They are not locked: whoever applies them takes the
/// locks of their keys and looks again.
///
/// # Errors
/// When the database does not answer.
pub async fn due(connection: &mut Connection, now: DateTime<Utc>, limit: i64) -> Result<Due, DbError> {
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT event_id, org_id, dialect, received_at, trusted, program_scope, idempotency_key, idempotency_hash,
                body::text AS body, wait_until, request_id
         FROM events WHERE status = 'queued' AND due_at <= $1 AND org_id IS NOT NULL
         ORDER BY due_at, event_id LIMIT $2",
    )
    .bind(now)
    .bind(limit)
    .fetch_all(connection)
    .await
    .map_err(|error| DbError::new("events.due", error))?;
    let (events, unreadable) = read(rows);
    Ok(Due { events, unreadable })
}

fn read(rows: Vec<Row>) -> (Vec<Event>, Vec<(EventId, DbError)>) {
    let (mut events, mut unreadable) = (Vec::new(), Vec::new());
    for row in rows {
        let id = EventId(row.event_id);
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
pub async fn put_off(
    connection: &mut Connection,
    ids: &[EventId],
    until: DateTime<Utc>,
) -> Result<(), DbError> {
    sqlx::query("UPDATE events SET due_at = $2 WHERE event_id = ANY ($1) AND status = 'queued'")
        .bind(ids.iter().map(|id| id.0).collect::<Vec<_>>())
        .bind(until)
        .execute(connection)
        .await
        .map_err(|error| DbError::new("events.put_off", error))?;
    Ok(())
}

/// When the first of the queued events is due.
///
/// # Errors
/// When the database does not answer.
pub async fn next_due(connection: &mut Connection) -> Result<Option<DateTime<Utc>>, DbError> {
    sqlx::query_scalar("SELECT min(due_at) FROM events WHERE status = 'queued' AND org_id IS NOT NULL")
        .fetch_one(connection)
        .await
        .map_err(|error| DbError::new("events.next_due", error))
}

/// Parked events whose order has come meanwhile are queued; those that waited too long are dead. Returns how many of
/// each. Nothing is done while another worker does it.
///
/// # Errors
/// When the database does not answer.
pub async fn sweep_parked(connection: &mut Connection, now: DateTime<Utc>) -> Result<(u64, u64), DbError> {
    if !locks::try_lock_task(connection, "sweep").await? {
        return Ok((0, 0));
    }
    let queued = sqlx::query(
        "UPDATE events e SET status = 'queued', due_at = $1
         WHERE e.status = 'parked' AND EXISTS (
             SELECT FROM conversions c
             WHERE (c.org_id, c.external_id) = (e.org_id, e.order_key) AND c.deleted_at IS NULL)",
    )
    .bind(now)
    .execute(&mut *connection)
    .await
    .map_err(|error| DbError::new("events.sweep", error))?;
    let dead = sqlx::query(
        "WITH dead AS (
             UPDATE events SET status = 'dead', reason = 'missing_parent', due_at = NULL
             WHERE status = 'parked' AND due_at <= $1
             RETURNING event_id, org_id)
         INSERT INTO event_failures AS f (event_id, org_id, code, detail, fingerprint, first_at, last_at)
         SELECT event_id, org_id, 'missing_parent', 'the order that it waited for did not come', 'missing_parent', $1, $1
         FROM dead
         ON CONFLICT ON CONSTRAINT event_failures_pkey DO UPDATE
         SET code = excluded.code, detail = excluded.detail, fingerprint = excluded.fingerprint,
             failures = f.failures + 1, last_at = excluded.last_at",
    )
    .bind(now)
    .execute(connection)
    .await
    .map_err(|error| DbError::new("events.expire", error))?;
    Ok((queued.rows_affected(), dead.rows_affected()))
}

/// Writes each decided event once, with its outcome.
///
/// # Errors
/// When the database refuses or does not answer.
pub async fn write(
    connection: &mut Connection,
    decisions: &[Decision],
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let of = |verdict| {
        decisions
            .iter()
            .filter(move |one| one.verdict == verdict)
            .collect::<Vec<_>>()
    };
    let new = of(Verdict::Insert);
    if !new.is_empty() {
        insert(connection, &new, now).await?;
    }
    let changed = of(Verdict::Update);
    if !changed.is_empty() {
        update(connection, &changed, now).await?;
    }
    Ok(())
}

/// Gives events their rows, to be applied from there.
///
/// # Errors
/// When the database refuses or does not answer.
pub async fn enqueue(
    connection: &mut Connection,
    events: Vec<Event>,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let queued = |event| Decision {
        event,
        outcome: Outcome::Queued,
        verdict: Verdict::Insert,
    };
    let queued: Vec<Decision> = events.into_iter().map(queued).collect();
    write(connection, &queued, now).await
}

fn due_at(decision: &Decision, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    match decision.outcome {
        Outcome::Parked => Some(now + TimeDelta::hours(PARKING_HOURS)),
        Outcome::Queued if decision.event.is_awaited(now) => Some(now + SECOND_LOOK),
        Outcome::Queued => Some(now),
        Outcome::Applied(_) | Outcome::Refused(_) | Outcome::Dead(_) | Outcome::Discarded => None,
    }
}

fn decided_at(outcome: &Outcome, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    matches!(outcome, Outcome::Applied(_) | Outcome::Refused(_)).then_some(now)
}

fn json(outcome: &Outcome) -> Option<String> {
    matches!(outcome, Outcome::Applied(_) | Outcome::Refused(_))
        .then(|| serde_json::to_string(outcome).ok())?
}

async fn insert(connection: &mut Connection, new: &[&Decision], now: DateTime<Utc>) -> Result<(), DbError> {
    let bodies: Vec<String> = new
        .iter()
        .map(|one| serde_json::to_string(&one.event.body))
        .collect::<Result<_, _>>()
        .map_err(|error| decode("events.body", error))?;
    let idempotency = || new.iter().map(|one| one.event.idempotency.as_ref());
    sqlx::query(
        "INSERT INTO events (event_id, org_id, kind, dialect, status, reason, order_key, received_at, applied_at,
             due_at, trusted, program_scope, idempotency_key, idempotency_hash, body, outcome, wait_until,
             request_id)
         SELECT event_id, org_id, kind, dialect, status, reason, order_key, received_at, applied_at,
             due_at, trusted, program_scope, idempotency_key, decode(idempotency_hash, 'hex'), body::json, outcome::json,
             wait_until, request_id
         FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
             $8::timestamptz[], $9::timestamptz[], $10::timestamptz[], $11::boolean[], $12::bigint[], $13::text[],
             $14::text[], $15::text[], $16::text[], $17::timestamptz[], $18::text[])
           AS new (event_id, org_id, kind, dialect, status, reason, order_key, received_at, applied_at, due_at, trusted,
             program_scope, idempotency_key, idempotency_hash, body, outcome, wait_until, request_id)",
    )
    .bind(new.iter().map(|one| one.event.id.0).collect::<Vec<_>>())
    .bind(new.iter().map(|one| one.event.org.0).collect::<Vec<_>>())
    .bind(new.iter().map(|one| one.event.body.kind().name()).collect::<Vec<_>>())
    .bind(new.iter().map(|one| one.event.dialect.name()).collect::<Vec<_>>())
    .bind(new.iter().map(|one| one.outcome.status()).collect::<Vec<_>>())
    .bind(new.iter().map(|one| one.outcome.reason()).collect::<Vec<_>>())
    .bind(new.iter().map(|one| one.event.order()).collect::<Vec<_>>())
    .bind(new.iter().map(|one| one.event.received_at).collect::<Vec<_>>())
    .bind(new.iter().map(|one| decided_at(&one.outcome, now)).collect::<Vec<_>>())
    .bind(new.iter().map(|one| due_at(one, now)).collect::<Vec<_>>())
    .bind(new.iter().map(|one| one.event.authenticated).collect::<Vec<_>>())
    .bind(new.iter().map(|one| one.event.program_scope.map(|id| id.0)).collect::<Vec<_>>())
    .bind(idempotency().map(|key| key.map(|key| key.key.as_str())).collect::<Vec<_>>())
    .bind(idempotency().map(|key| key.map(|key| key.hash.as_str())).collect::<Vec<_>>())
    .bind(bodies)
    .bind(new.iter().map(|one| json(&one.outcome)).collect::<Vec<_>>())
    .bind(
        new.iter()
            .map(|one| one.event.wait_until.filter(|_| one.outcome == Outcome::Queued))
            .collect::<Vec<_>>(),
    )
    .bind(new.iter().map(|one| one.event.request_id.as_deref()).collect::<Vec<_>>())
    .execute(connection)
    .await
    .map_err(|error| DbError::new("events.insert", error))?;
    Ok(())
}

async fn update(
    connection: &mut Connection,
    changed: &[&Decision],
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let updated = sqlx::query(
        "UPDATE events e
         SET (status, reason, applied_at, due_at, outcome, org_id, program_scope)
           = (new.status, new.reason, new.applied_at, new.due_at, new.outcome::json, new.org_id, new.program_scope)
         FROM unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[], $5::timestamptz[], $6::text[],
             $7::bigint[], $8::bigint[])
           AS new (event_id, status, reason, applied_at, due_at, outcome, org_id, program_scope)
         WHERE e.event_id = new.event_id AND e.status IN ('queued', 'parked')",
    )
    .bind(changed.iter().map(|one| one.event.id.0).collect::<Vec<_>>())
    .bind(changed.iter().map(|one| one.outcome.status()).collect::<Vec<_>>())
    .bind(changed.iter().map(|one| one.outcome.reason()).collect::<Vec<_>>())
    .bind(
        changed
            .iter()
            .map(|one| decided_at(&one.outcome, now))
            .collect::<Vec<_>>(),
    )
    .bind(
        changed
            .iter()
            .map(|one| due_at(one, now))
            .collect::<Vec<_>>(),
    )
    .bind(changed.iter().map(|one| json(&one.outcome)).collect::<Vec<_>>())
    // An event without a key may have found its organisation only now.
    .bind(changed.iter().map(|one| one.event.org.0).collect::<Vec<_>>())
    .bind(
        changed
            .iter()
            .map(|one| one.event.program_scope.map(|id| id.0))
            .collect::<Vec<_>>(),
    )
    .execute(connection)
    .await
    .map_err(|error| DbError::new("events.update", error))?;
    // Somebody decided one of them meanwhile: what was decided here must not take effect.
    if usize::try_from(updated.rows_affected()).ok() != Some(changed.len()) {
        return Err(DbError::new("events.update", sqlx::Error::RowNotFound));
    }
    Ok(())
}

//! Barriers: how a worker knows that nothing which was accepted before an event is under way any more.
//!
//! A worker sets a barrier when the broker's queue has nothing ready to deliver; every consumer then passes it: it asks the broker
//! on its own channel, and applies all that it was delivered before the answer. So what had been accepted before the barrier is
//! applied, wherever it was. Envelopes of the spool are there as long as they are not applied. Consumers are known by random
//! numbers, new ones with each subscription.

use std::time::Duration;

use uuid::Uuid;

use super::{Connection, DbError};
use crate::domain::EventId;

/// The latest barrier, and the latest that was passed.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Barriers {
    pub latest: i64,
    pub passed: i64,
    /// As many consumers were known as there were: otherwise it cannot be passed, and only makes them known.
    all_known: bool,
    /// Since it was set.
    seconds: f64,
}

impl Barriers {
    /// Whether the latest barrier may still be passed, within `patience`.
    pub fn is_under_way(&self, patience: Duration) -> bool {
        self.passed < self.latest && self.all_known && self.seconds < patience.as_secs_f64()
    }
}

/// The consumers that have passed a barrier before.
///
/// # Errors
/// When the database does not answer.
pub async fn known_consumers(connection: &mut Connection) -> Result<Vec<i64>, DbError> {
    sqlx::query_scalar!("SELECT consumer_id FROM consumer_barriers")
        .fetch_all(connection)
        .await
        .map_err(|error| DbError::new("barriers.known", error))
}

/// Sets a barrier that `consumers` must pass, and returns its number. All of them must be among the `known`, who told their names
/// before they were counted: one that came later has not what another lost. Without a broker there are none.
///
/// # Errors
/// When the database does not answer.
pub async fn set(connection: &mut Connection, known: &[i64], consumers: i32) -> Result<i64, DbError> {
    sqlx::query_scalar!(
        "INSERT INTO barrier AS b (number, consumers, known, spool_id, set_at, passed)
         VALUES (nextval('barriers'), $1, $2, (SELECT COALESCE(max(spool_id), 0) FROM spool), clock_timestamp(), 0)
         ON CONFLICT ON CONSTRAINT barrier_pkey DO UPDATE
         SET number = excluded.number, consumers = excluded.consumers, known = excluded.known,
             spool_id = excluded.spool_id, set_at = excluded.set_at
         RETURNING number",
        consumers,
        known
    )
    .fetch_one(connection)
    .await
    .map_err(|error| DbError::new("barriers.set", error))
}

/// Notes that a consumer has applied all that it had been delivered when it heard of the barrier, or of a later one.
///
/// # Errors
/// When the database does not answer.
pub async fn pass(connection: &mut Connection, consumer: i64, number: i64) -> Result<(), DbError> {
    sqlx::query!(
        "INSERT INTO consumer_barriers (consumer_id, number) VALUES ($1, $2)
         ON CONFLICT ON CONSTRAINT consumer_barriers_pkey DO UPDATE SET number = excluded.number",
        consumer,
        number
    )
    .execute(connection)
    .await
    .map_err(|error| DbError::new("barriers.pass", error))?;
    Ok(())
}

/// Looks whether the latest barrier is passed: by as many known consumers as there were, and by the spool. Consumers that were known
/// and are gone are forgotten then.
///
/// # Errors
/// When the database does not answer.
pub async fn look(connection: &mut Connection) -> Result<Barriers, DbError> {
    let failed = |error| DbError::new("barriers.look", error);
    let passed = sqlx::query!(
        "UPDATE barrier b SET passed = b.number
         WHERE b.passed < b.number
           AND b.consumers = (SELECT count(*) FROM consumer_barriers c
                              WHERE c.consumer_id = ANY (b.known) AND c.number >= b.number)
           AND NOT EXISTS (SELECT FROM spool s WHERE s.spool_id <= b.spool_id)
           AND NOT EXISTS (SELECT FROM spool s WHERE s.is_for_newer)"
    )
    .execute(&mut *connection)
    .await
    .map_err(failed)?;
    if passed.rows_affected() > 0 {
        sqlx::query!(
            "DELETE FROM consumer_barriers c USING barrier b
             WHERE c.consumer_id = ANY (b.known) AND c.number < b.number"
        )
        .execute(&mut *connection)
        .await
        .map_err(failed)?;
    }
    let found = sqlx::query_as!(
        Barriers,
        r#"SELECT number AS latest, passed, cardinality(known) >= consumers AS "all_known!",
             extract(epoch FROM clock_timestamp() - set_at)::float8 AS "seconds!"
         FROM barrier"#
    )
    .fetch_optional(connection)
    .await
    .map_err(failed)?;
    Ok(found.unwrap_or_default())
}

/// Those of the events that had their rows before a barrier which was passed.
///
/// # Errors
/// When the database does not answer.
pub async fn passed(connection: &mut Connection, events: &[EventId]) -> Result<Vec<EventId>, DbError> {
    let (Some(least), Some(greatest)) = (events.iter().min(), events.iter().max()) else {
        return Ok(Vec::new());
    };
    let all: Vec<Uuid> = events.iter().map(|id| id.0).collect();
    sqlx::query_scalar!(
        r#"SELECT e.event_id AS "id: EventId" FROM events e JOIN barrier b ON e.waits_since < b.passed
         WHERE e.event_id = ANY ($1) AND e.event_id BETWEEN $2 AND $3"#,
        &all,
        least.0,
        greatest.0
    )
    .fetch_all(connection)
    .await
    .map_err(|error| DbError::new("barriers.passed", error))
}

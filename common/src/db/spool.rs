//! The Postgres spool: the embedded queue, and in production the overflow of the broker.

use super::{Connection, DbError};

/// An envelope taken from the spool. It is gone when the transaction that took it commits, and back when it does not.
#[derive(Debug, sqlx::FromRow)]
pub struct Spooled {
    pub spool_id: i64,
    pub envelope: Vec<u8>,
}

/// Adds an envelope and wakes the workers.
///
/// # Errors
/// When the database does not answer: then nobody may be told that the events are safe.
pub async fn put(connection: &mut Connection, envelope: &[u8]) -> Result<(), DbError> {
    sqlx::query(
        "WITH put AS (INSERT INTO spool (envelope) VALUES ($1)) SELECT pg_notify('commissary_spool', '')",
    )
    .bind(envelope)
    .execute(connection)
    .await
    .map_err(|error| DbError::new("spool.put", error))?;
    Ok(())
}

/// Takes up to `limit` envelopes after `after`, passing over those that others hold.
///
/// # Errors
/// When the database does not answer.
pub async fn take(connection: &mut Connection, after: i64, limit: i64) -> Result<Vec<Spooled>, DbError> {
    let mut taken: Vec<Spooled> = sqlx::query_as(
        "DELETE FROM spool WHERE spool_id = ANY (ARRAY(
             SELECT spool_id FROM spool WHERE spool_id > $1 ORDER BY spool_id LIMIT $2 FOR UPDATE SKIP LOCKED))
         RETURNING spool_id, envelope",
    )
    .bind(after)
    .bind(limit)
    .fetch_all(connection)
    .await
    .map_err(|error| DbError::new("spool.take", error))?;
    taken.sort_by_key(|one| one.spool_id);
    Ok(taken)
}

/// Envelopes that wait.
///
/// # Errors
/// When the database does not answer.
pub async fn depth(connection: &mut Connection) -> Result<i64, DbError> {
    sqlx::query_scalar("SELECT count(*) FROM spool")
        .fetch_one(connection)
        .await
        .map_err(|error| DbError::new("spool.depth", error))
}

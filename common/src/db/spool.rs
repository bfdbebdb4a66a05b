//! The Postgres spool: the embedded queue, and in production the overflow of the broker. Its bulk, in the same table, is in
//! [`super::spool_bulk`].

use super::{Connection, DbError};

/// An envelope of the spool, held by the transaction that took it.
#[derive(Debug)]
pub struct Spooled {
    pub spool_id: i64,
    /// `None`: it is express.
    pub bulk_of: Option<i64>,
    pub envelope: Vec<u8>,
}

/// Adds an express envelope and wakes the workers.
///
/// # Errors
/// When the database does not answer: then nobody may be told that the events are safe.
pub async fn put(connection: &mut Connection, envelope: &[u8]) -> Result<(), DbError> {
    sqlx::query!(
        "WITH put AS (INSERT INTO spool (envelope) VALUES ($1)) SELECT pg_notify('commissary_spool', '')",
        envelope
    )
    .execute(connection)
    .await
    .map_err(|error| DbError::new("spool.put", error))?;
    Ok(())
}

/// Keeps an envelope that this worker cannot read for a newer one, behind all others of its kind. It is older than its number then
/// says.
///
/// # Errors
/// When the database does not answer.
pub async fn keep_for_newer(
    connection: &mut Connection,
    envelope: &[u8],
    bulk_of: Option<i64>,
) -> Result<(), DbError> {
    sqlx::query!(
        "INSERT INTO spool (envelope, is_for_newer, bulk_of) VALUES ($1, true, $2)",
        envelope,
        bulk_of
    )
    .execute(connection)
    .await
    .map_err(|error| DbError::new("spool.keep_for_newer", error))?;
    Ok(())
}

/// Holds up to `limit` express envelopes after `after` until the transaction ends, passing over those that others hold.
///
/// # Errors
/// When the database does not answer.
pub async fn take(connection: &mut Connection, after: i64, limit: i64) -> Result<Vec<Spooled>, DbError> {
    sqlx::query_as!(
        Spooled,
        "SELECT spool_id, bulk_of, envelope FROM spool WHERE bulk_of IS NULL AND spool_id > $1
         ORDER BY bulk_of, spool_id LIMIT $2 FOR UPDATE SKIP LOCKED",
        after,
        limit
    )
    .fetch_all(connection)
    .await
    .map_err(|error| DbError::new("spool.take", error))
}

/// Removes envelopes whose events have been applied.
///
/// # Errors
/// When the database does not answer.
pub async fn remove(connection: &mut Connection, done: &[i64]) -> Result<(), DbError> {
    sqlx::query!("DELETE FROM spool WHERE spool_id = ANY ($1)", done)
        .execute(connection)
        .await
        .map_err(|error| DbError::new("spool.remove", error))?;
    Ok(())
}

/// Envelopes that wait.
///
/// # Errors
/// When the database does not answer.
pub async fn depth(connection: &mut Connection) -> Result<i64, DbError> {
    sqlx::query_scalar!(r#"SELECT count(*) AS "depth!" FROM spool"#)
        .fetch_one(connection)
        .await
        .map_err(|error| DbError::new("spool.depth", error))
}

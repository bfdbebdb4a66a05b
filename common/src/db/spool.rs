//! The Postgres spool: the embedded queue, and in production the overflow of the broker. Its bulk, in the same table, is in
//! [`super::spool_bulk`].

use super::{Connection, DbError};
use crate::message::ENVELOPE_VERSION;

/// An envelope of the spool, held by the transaction that took it.
#[derive(Debug)]
pub struct Spooled {
    pub spool_id: i64,
    /// `None`: it is express.
    pub bulk_of: Option<i64>,
    pub envelope: Vec<u8>,
    /// The broker lost it before it was applied, or delivered it to a process that ended.
    pub is_suspect: bool,
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

/// An envelope that a worker does not apply itself, and puts into the spool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Aside {
    pub envelope: Vec<u8>,
    /// The version of envelopes that a worker must know. `None`: any may try, with care, for the envelope is suspect.
    pub version: Option<u16>,
}

/// Puts envelopes into the spool that were accepted before their numbers there will say.
///
/// # Errors
/// When the database does not answer.
pub async fn put_aside(connection: &mut Connection, aside: &[Aside]) -> Result<(), DbError> {
    let envelopes: Vec<&[u8]> = aside.iter().map(|aside| aside.envelope.as_slice()).collect();
    let versions: Vec<Option<i32>> = aside.iter().map(|aside| aside.version.map(i32::from)).collect();
    sqlx::query!(
        "WITH put AS (
             INSERT INTO spool (envelope, is_for_newer, is_suspect, version)
             SELECT envelope, true, version IS NULL, version FROM unnest($1::bytea[], $2::integer[]) AS put (envelope, version))
         SELECT pg_notify('commissary_spool', '')",
        &envelopes as _,
        &versions as _
    )
    .execute(connection)
    .await
    .map_err(|error| DbError::new("spool.put_aside", error))?;
    Ok(())
}

/// Leaves an envelope of the spool to workers that know its version. It stays where it is, and nobody else takes it any more.
///
/// # Errors
/// When the database does not answer.
pub async fn leave_to_newer(connection: &mut Connection, spool_id: i64, version: u16) -> Result<(), DbError> {
    sqlx::query!(
        "UPDATE spool SET version = $2, is_for_newer = true WHERE spool_id = $1",
        spool_id,
        i32::from(version)
    )
    .execute(connection)
    .await
    .map_err(|error| DbError::new("spool.leave_to_newer", error))?;
    Ok(())
}

/// Envelopes that wait for a worker of a later version than this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Newer {
    pub envelopes: i64,
    /// The latest of their versions.
    pub version: i32,
}

/// Whether any wait for a later version.
///
/// # Errors
/// When the database does not answer.
pub async fn newer(connection: &mut Connection) -> Result<Option<Newer>, DbError> {
    let found = sqlx::query_as!(
        Newer,
        r#"SELECT count(*) AS "envelopes!", COALESCE(max(version), 0) AS "version!"
         FROM spool WHERE is_for_newer AND version > $1"#,
        i32::from(ENVELOPE_VERSION)
    )
    .fetch_one(connection)
    .await
    .map_err(|error| DbError::new("spool.newer", error))?;
    Ok((found.envelopes > 0).then_some(found))
}

/// Holds up to `limit` express envelopes after `after` until the transaction ends, passing over those that others hold, and those that wait
/// for a newer worker.
///
/// # Errors
/// When the database does not answer.
pub async fn take(connection: &mut Connection, after: i64, limit: i64) -> Result<Vec<Spooled>, DbError> {
    sqlx::query_as!(
        Spooled,
        "SELECT spool_id, bulk_of, envelope, is_suspect FROM spool
         WHERE bulk_of IS NULL AND spool_id > $1 AND (version IS NULL OR version <= $3)
         ORDER BY bulk_of, spool_id LIMIT $2 FOR UPDATE SKIP LOCKED",
        after,
        limit,
        i32::from(ENVELOPE_VERSION)
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

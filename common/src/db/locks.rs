//! Mutual exclusion of workers by the keys of their events: transaction-level advisory locks.

use super::{Connection, DbError};

/// Takes a lock on every key until the transaction ends. `keys` must be sorted, so that two batches cannot wait for
/// each other.
///
/// # Errors
/// Contention, when somebody holds a key for too long.
pub async fn lock_keys(connection: &mut Connection, keys: &[i64]) -> Result<(), DbError> {
    // unnest keeps the order of its array, and the locks are taken row by row.
    sqlx::query!(
        "SELECT pg_advisory_xact_lock(key) FROM unnest($1::bigint[]) AS key",
        keys
    )
    .execute(connection)
    .await
    .map_err(|error| DbError::new("locks.keys", error))?;
    Ok(())
}

/// Whether this transaction got the lock that makes its task the only one of its kind.
///
/// # Errors
/// When the database does not answer.
pub async fn try_lock_task(connection: &mut Connection, task: &'static str) -> Result<bool, DbError> {
    sqlx::query_scalar!(
        r#"SELECT pg_try_advisory_xact_lock(hashtext('commissary.task'), hashtext($1)) AS "locked!""#,
        task
    )
    .fetch_one(connection)
    .await
    .map_err(|error| DbError::new("locks.task", error))
}

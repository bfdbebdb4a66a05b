//! Mutual exclusion of workers by the keys of their events: transaction-level advisory locks.

use super::{Connection, DbError};
use crate::domain::OrgId;

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

/// Takes the locks that nobody holds until the transaction ends, and waits for none. Returns the keys of the others.
///
/// # Errors
/// When the database does not answer.
pub async fn try_lock_keys(connection: &mut Connection, keys: &[i64]) -> Result<Vec<i64>, DbError> {
    sqlx::query_scalar!(
        r#"SELECT key AS "key!" FROM unnest($1::bigint[]) AS key WHERE NOT pg_try_advisory_xact_lock(key)"#,
        keys
    )
    .fetch_all(connection)
    .await
    .map_err(|error| DbError::new("locks.try_keys", error))
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

/// The lock of a name: of its kind, in an organisation or in all. FNV-1a: the same in every version and process, which std's
/// hasher does not promise. Two names with one hash only wait for each other needlessly.
pub fn key(kind: &str, org: Option<OrgId>, name: &str) -> i64 {
    let bytes = kind
        .bytes()
        .chain([0])
        .chain(OrgId::stored(org).to_le_bytes())
        .chain(name.bytes());
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    hash.cast_signed()
}

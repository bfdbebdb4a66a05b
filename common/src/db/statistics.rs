//! What the server has done so far, for what wants to know what something costs: the difference of two looks. Views differ from version
//! to version, so these statements are not checked when they are compiled.

use super::{Connection, DbError, Pool, acquire};

/// Sums since the server's statistics began. `None`: this server does not tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Of the whole server.
    pub wal_bytes: i64,
    /// Flushes of the WAL, of the whole server.
    pub flushes: Option<i64>,
    /// Transactions that were committed in this database.
    pub commits: i64,
    /// Statements that were run in this database.
    pub statements: Option<i64>,
}

/// The settings that decide whether a commit is durable, and how fast: name and value.
pub type Settings = Vec<(String, String)>;

/// PostgreSQL 18 counts flushes elsewhere.
const FLUSHES_IN_IO: i32 = 180_000;

/// # Errors
/// When the database does not answer.
pub async fn look(pool: &Pool) -> Result<Statistics, DbError> {
    let failed = |error| DbError::new("statistics.look", error);
    let mut connection = acquire(pool).await?;
    let (wal_bytes, commits): (i64, i64) = sqlx::query_as(
        "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint,
                (SELECT xact_commit FROM pg_stat_database WHERE datname = current_database())",
    )
    .fetch_one(&mut *connection)
    .await
    .map_err(failed)?;
    Ok(Statistics {
        wal_bytes,
        commits,
        flushes: flushes(&mut connection).await.map_err(failed)?,
        statements: statements(&mut connection).await.map_err(failed)?,
    })
}

async fn flushes(connection: &mut Connection) -> sqlx::Result<Option<i64>> {
    let version: i32 = sqlx::query_scalar("SELECT current_setting('server_version_num')::integer")
        .fetch_one(&mut *connection)
        .await?;
    let counted = if version < FLUSHES_IN_IO {
        "SELECT wal_sync FROM pg_stat_wal"
    } else {
        "SELECT sum(fsyncs)::bigint FROM pg_stat_io WHERE object = 'wal'"
    };
    sqlx::query_scalar(counted).fetch_one(connection).await
}

async fn statements(connection: &mut Connection) -> sqlx::Result<Option<i64>> {
    let counts: bool = sqlx::query_scalar(
        "SELECT to_regclass('pg_stat_statements') IS NOT NULL
                AND current_setting('shared_preload_libraries') LIKE '%pg_stat_statements%'",
    )
    .fetch_one(&mut *connection)
    .await?;
    if !counts {
        return Ok(None);
    }
    let calls = "SELECT sum(calls)::bigint FROM pg_stat_statements
                 WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())";
    sqlx::query_scalar(calls).fetch_one(connection).await
}

/// How far the events of a database are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    pub applied: u64,
    pub refused: u64,
    /// In any other state.
    pub other: u64,
    /// Envelopes in the spool.
    pub spooled: u64,
}

/// Counts all events.
///
/// # Errors
/// When the database does not answer.
pub async fn events(pool: &Pool) -> Result<Progress, DbError> {
    let counted: (i64, i64, i64, i64) = sqlx::query_as(
        "SELECT count(*) FILTER (WHERE status = 'applied'), count(*) FILTER (WHERE status = 'refused'),
                count(*) FILTER (WHERE status NOT IN ('applied', 'refused')), (SELECT count(*) FROM spool)
         FROM events",
    )
    .fetch_one(pool)
    .await
    .map_err(|error| DbError::new("statistics.events", error))?;
    let count = |number: i64| u64::try_from(number).unwrap_or_default();
    Ok(Progress {
        applied: count(counted.0),
        refused: count(counted.1),
        other: count(counted.2),
        spooled: count(counted.3),
    })
}

/// Whether anything waits in the database to be applied; cheap, however many events there are.
///
/// # Errors
/// When the database does not answer.
pub async fn is_waiting(pool: &Pool) -> Result<bool, DbError> {
    let waiting = sqlx::query_scalar(
        "SELECT EXISTS (SELECT FROM spool) OR EXISTS (SELECT FROM events WHERE status = 'queued')",
    );
    let waiting = waiting.fetch_one(pool).await;
    waiting.map_err(|error| DbError::new("statistics.is_waiting", error))
}

/// Lets this database count statements, where the server can and the role may.
pub async fn count_statements(pool: &Pool) {
    let made = sqlx::raw_sql("CREATE EXTENSION IF NOT EXISTS pg_stat_statements").execute(pool);
    if let Err(error) = made.await {
        tracing::debug!(%error, "statements are not counted");
    }
}

/// The process of the server that made this connection's, if it is on this machine's list of processes: the caller looks.
///
/// # Errors
/// When the database does not answer.
pub async fn backend_pid(pool: &Pool) -> Result<i32, DbError> {
    let pid = sqlx::query_scalar("SELECT pg_backend_pid()")
        .fetch_one(pool)
        .await;
    pid.map_err(|error| DbError::new("statistics.backend_pid", error))
}

/// # Errors
/// When the database does not answer.
pub async fn settings(pool: &Pool) -> Result<Settings, DbError> {
    let settings = sqlx::query_as(
        "SELECT name, current_setting(name) FROM pg_settings
         WHERE name IN ('server_version', 'fsync', 'synchronous_commit', 'full_page_writes', 'shared_buffers', 'max_wal_size',
                        'wal_compression')
         ORDER BY name",
    );
    let settings = settings.fetch_all(pool).await;
    settings.map_err(|error| DbError::new("statistics.settings", error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[sqlx::test]
    async fn what_is_done_between_two_looks_is_their_difference(pool: Pool) {
        let before = look(&pool).await.unwrap();
        sqlx::raw_sql("CREATE TABLE written AS SELECT generate_series(1, 1000) AS number")
            .execute(&pool)
            .await
            .unwrap();
        let after = look(&pool).await.unwrap();
        assert!(
            after.wal_bytes - before.wal_bytes > 1_000 * 20,
            "{before:?} {after:?}"
        );
        assert!(after.flushes >= before.flushes && after.flushes.is_some());
        let settings = settings(&pool).await.unwrap();
        assert!(
            settings
                .iter()
                .any(|(name, value)| name == "fsync" && !value.is_empty())
        );
        assert!(backend_pid(&pool).await.unwrap() > 0);
    }
}

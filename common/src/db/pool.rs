//! Connecting, the settings of every session, and migrations.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use sqlx::{
    ConnectOptions as _, Connection as _, Executor,
    postgres::{PgConnectOptions, PgPoolOptions},
};

use super::{DbError, tls_files};
use crate::{runtime::tls_advice, telemetry};

/// Connections to Postgres.
pub type Pool = sqlx::PgPool;

/// How long to wait for a free connection.
pub(super) const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

/// A connection that has been idle for longer is asked whether it is still there.
pub(super) const BELIEVED: Duration = Duration::from_millis(100);

/// Opens a pool of at most `size` connections and makes sure that the database answers.
///
/// # Errors
/// When the URL is malformed or the database does not answer.
pub async fn connect(url: &SecretString, size: u32, application: &str) -> Result<Pool, DbError> {
    open(options(url, application)?, size).await
}

/// As [`connect`], one connection for a command whose statements may take long: nobody is warned of that.
///
/// # Errors
/// As [`connect`].
pub async fn connect_patiently(url: &SecretString, application: &str) -> Result<Pool, DbError> {
    open(options(url, application)?.disable_statement_logging(), 1).await
}

fn options(url: &SecretString, application: &str) -> Result<PgConnectOptions, DbError> {
    tls_files::check(url.expose_secret())?;
    let options: PgConnectOptions = url
        .expose_secret()
        .parse()
        .map_err(|error| DbError::new("database.url", error))?;
    // A plan cached on a near-empty table would later scan it whole: plan with the values instead.
    Ok(options.application_name(application).options([
        ("plan_cache_mode", "force_custom_plan"),
        // Compiling a statement takes longer than any of ours may.
        ("jit", "off"),
        ("statement_timeout", "30s"),
        ("lock_timeout", "10s"),
        ("idle_in_transaction_session_timeout", "30s"),
        ("timezone", "UTC"),
        ("client_min_messages", "warning"),
    ]))
}

async fn open(options: PgConnectOptions, size: u32) -> Result<Pool, DbError> {
    let failed = |error| DbError::new("database.connect", explained(error));
    // One connection by itself first: its error says what is wrong, the pool's only that it waited.
    let first = tokio::time::timeout(ACQUIRE_TIMEOUT, sqlx::PgConnection::connect_with(&options));
    let first = first
        .await
        .unwrap_or(Err(sqlx::Error::PoolTimedOut))
        .map_err(failed)?;
    first.close().await.map_err(failed)?;
    PgPoolOptions::new()
        .max_connections(size)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        // To ask each connection before each transaction is a round trip more; one that has just answered is believed.
        .test_before_acquire(false)
        .before_acquire(|connection, meta| {
            Box::pin(async move {
                if meta.idle_for > BELIEVED {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
        // A future dropped while BEGIN was under way would hand an open transaction to the next user of the connection
        // (sqlx #4393): it is rolled back. The BEGIN is there because a ROLLBACK alone fills the server's log with warnings;
        // where a failed transaction was left it fails, and the connection is closed.
        .after_release(|connection, _| {
            Box::pin(async move { Ok(connection.execute("BEGIN; ROLLBACK").await.is_ok()) })
        })
        .connect_with(options)
        .await
        .map_err(failed)
}

/// A failure of TLS says what to do about it.
fn explained(error: sqlx::Error) -> sqlx::Error {
    match tls_advice(&error) {
        Some(advice) => sqlx::Error::Tls(advice.into()),
        None => error,
    }
}

/// A connection of the pool, back there when it is dropped.
pub type PooledConnection = sqlx::pool::PoolConnection<sqlx::Postgres>;

/// A connection without a transaction: each statement holds at once, by itself.
///
/// # Errors
/// When none is to be had.
pub async fn acquire(pool: &Pool) -> Result<PooledConnection, DbError> {
    pool.acquire()
        .await
        .map_err(|error| DbError::new("database.acquire", error))
}

/// Begins a transaction.
///
/// # Errors
/// When no connection is to be had.
pub async fn begin(pool: &Pool) -> Result<super::Transaction, DbError> {
    pool.begin()
        .await
        .map_err(|error| DbError::new("database.begin", error))
}

/// Does `work` in a transaction: what succeeds is committed, what fails is rolled back.
///
/// # Errors
/// Those of `work`, and when the database does not begin or commit.
pub async fn in_transaction<T, E: From<DbError>>(
    pool: &Pool,
    work: impl AsyncFnOnce(&mut super::Connection) -> Result<T, E>,
) -> Result<T, E> {
    finish(begin(pool).await?, work).await
}

pub(super) async fn finish<T, E: From<DbError>>(
    mut transaction: sqlx::Transaction<'_, sqlx::Postgres>,
    work: impl AsyncFnOnce(&mut super::Connection) -> Result<T, E>,
) -> Result<T, E> {
    match work(&mut transaction).await {
        Ok(done) => {
            commit(transaction).await?;
            Ok(done)
        }
        Err(error) => {
            if let Err(lost) = rollback(transaction).await {
                tracing::debug!(error = %telemetry::chain(&lost), "the connection is gone, and its transaction with it");
            }
            Err(error)
        }
    }
}

/// How long a transaction that waits for others of its own process may be idle.
const OUTER_IDLE: Duration = Duration::from_mins(10);

/// Begins a transaction that holds something while others do the work: it may be idle for longer.
///
/// # Errors
/// When no connection is to be had.
pub async fn begin_outer(pool: &Pool) -> Result<super::Transaction, DbError> {
    let mut outer = begin(pool).await?;
    set_local(&mut outer, "idle_in_transaction_session_timeout", OUTER_IDLE).await?;
    Ok(outer)
}

/// Lets the statements of this transaction wait for locks only so long.
///
/// # Errors
/// When the database does not answer.
pub async fn limit_lock_waits(connection: &mut super::Connection, limit: Duration) -> Result<(), DbError> {
    set_local(connection, "lock_timeout", limit).await
}

/// Lets each statement of this transaction take only so long.
///
/// # Errors
/// When the database does not answer.
pub async fn limit_statements(connection: &mut super::Connection, limit: Duration) -> Result<(), DbError> {
    set_local(connection, "statement_timeout", limit).await
}

async fn set_local(
    connection: &mut super::Connection,
    setting: &'static str,
    limit: Duration,
) -> Result<(), DbError> {
    sqlx::query_scalar!(
        "SELECT set_config($1, $2, true)",
        setting,
        format!("{}ms", limit.as_millis())
    )
    .fetch_one(connection)
    .await
    .map_err(|error| DbError::new("database.set", error))?;
    Ok(())
}

/// Commits. When the answer is lost the outcome is unknown: run the same again, the events are known by their ids.
///
/// # Errors
/// When the database refuses or does not answer.
pub async fn commit(transaction: sqlx::Transaction<'_, sqlx::Postgres>) -> Result<(), DbError> {
    transaction
        .commit()
        .await
        .map_err(|error| DbError::new("database.commit", error))
}

/// Rolls back.
///
/// # Errors
/// When the database does not answer.
pub async fn rollback(transaction: sqlx::Transaction<'_, sqlx::Postgres>) -> Result<(), DbError> {
    transaction
        .rollback()
        .await
        .map_err(|error| DbError::new("database.rollback", error))
}

/// Makes a connection forget the statements it has prepared, for the schema has changed under them. It may be in a
/// transaction, a failed one too.
///
/// # Errors
/// When the database does not answer.
pub async fn forget_statements(connection: &mut super::Connection) -> Result<(), DbError> {
    connection
        .clear_cached_statements()
        .await
        .map_err(|error| DbError::new("database.forget", error))
}

/// Whether the database answers.
///
/// # Errors
/// When it does not.
pub async fn ping(pool: &Pool) -> Result<(), DbError> {
    sqlx::query_scalar!("SELECT 1")
        .fetch_one(pool)
        .await
        .map_err(|error| DbError::new("database.ping", error))?;
    Ok(())
}

/// Begins a read-only transaction that sees one moment, and may take as long as its full scans take.
///
/// # Errors
/// When no connection is to be had.
pub(crate) async fn snapshot(pool: &Pool) -> Result<super::Transaction, DbError> {
    let mut snapshot = pool
        .begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        .await
        .map_err(|error| DbError::new("database.snapshot", error))?;
    set_local(&mut snapshot, "statement_timeout", Duration::ZERO).await?;
    Ok(snapshot)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::spool;

    async fn setting(connection: &mut super::super::Connection, name: &str) -> String {
        sqlx::query_scalar("SELECT current_setting($1)")
            .bind(name)
            .fetch_one(connection)
            .await
            .unwrap()
    }

    /// A task can do it: the workers' transactions are theirs.
    fn of_a_task<F: Future + Send>(work: F) -> F {
        work
    }

    #[sqlx::test(migrator = "crate::db::MIGRATOR")]
    async fn a_transaction_holds_what_succeeds_and_nothing_of_what_fails(pool: Pool) {
        let put = async |envelope: &[u8], answer: Result<(), DbError>| {
            let work = in_transaction(&pool, async |connection| {
                spool::put(connection, envelope).await?;
                answer
            });
            of_a_task(work).await
        };
        put(b"kept", Ok(())).await.unwrap();
        let refused = DbError::new("test", sqlx::Error::RowNotFound);
        let error = put(b"lost", Err(refused)).await.unwrap_err();
        assert_eq!(error.operation, "test");
        let mut connection = pool.acquire().await.unwrap();
        let left = spool::take(&mut connection, 0, 9).await.unwrap();
        assert_eq!(left.len(), 1);
        assert_eq!(left[0].envelope, b"kept");
    }

    #[sqlx::test]
    async fn limits_of_a_transaction_end_with_it(pool: Pool) {
        let mut outer = begin_outer(&pool).await.unwrap();
        limit_lock_waits(&mut outer, Duration::from_millis(200))
            .await
            .unwrap();
        assert_eq!(
            setting(&mut outer, "idle_in_transaction_session_timeout").await,
            "10min"
        );
        assert_eq!(setting(&mut outer, "lock_timeout").await, "200ms");
        rollback(outer).await.unwrap();
        let mut later = pool.acquire().await.unwrap();
        assert_ne!(
            setting(&mut later, "idle_in_transaction_session_timeout").await,
            "10min"
        );
        assert_ne!(setting(&mut later, "lock_timeout").await, "200ms");
    }
}

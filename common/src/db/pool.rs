//! Connecting, the settings of every session, and migrations.

use std::time::Duration;

use sqlx::{
    Connection as _, Executor,
    postgres::{PgConnectOptions, PgPoolOptions},
};

use super::DbError;
use crate::runtime::Secret;

/// Connections to Postgres.
pub type Pool = sqlx::PgPool;

/// The migrations, embedded into the binary.
pub static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!("../migrations");

/// How long to wait for a free connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

/// Opens a pool of at most `size` connections and makes sure that the database answers.
///
/// # Errors
/// When the URL is malformed or the database does not answer.
pub async fn connect(url: &Secret, size: u32, application: &str) -> Result<Pool, DbError> {
    let options: PgConnectOptions = url
        .expose()
        .parse()
        .map_err(|error| DbError::new("database.url", error))?;
    let failed = |error| DbError::new("database.connect", error);
    // A plan cached on a near-empty table would later scan it whole: plan with the values instead.
    let options = options.application_name(application).options([
        ("plan_cache_mode", "force_custom_plan"),
        ("statement_timeout", "30s"),
        ("lock_timeout", "10s"),
        ("idle_in_transaction_session_timeout", "30s"),
        ("timezone", "UTC"),
        // The rollback below, where there is nothing to roll back, is no news.
        ("client_min_messages", "error"),
    ]);
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
        // A future dropped while BEGIN was under way would hand an open transaction to the next user of the connection
        // (sqlx #4393): rolling back is free where there is none.
        .after_release(|connection, _| {
            Box::pin(async move { Ok(connection.execute("ROLLBACK").await.is_ok()) })
        })
        .connect_with(options)
        .await
        .map_err(failed)
}

/// Brings the schema to this version. Safe to run again, and by several at once.
///
/// # Errors
/// When a migration fails, or the database has one that this binary does not know.
pub async fn migrate(pool: &Pool) -> Result<(), DbError> {
    MIGRATOR
        .run(pool)
        .await
        .map_err(|error| DbError::new("database.migrate", error.into()))
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

/// Commits. When the answer is lost the outcome is unknown: run the same again, the events are known by their ids.
///
/// # Errors
/// When the database refuses or does not answer.
pub async fn commit(transaction: super::Transaction) -> Result<(), DbError> {
    transaction
        .commit()
        .await
        .map_err(|error| DbError::new("database.commit", error))
}

/// Rolls back.
///
/// # Errors
/// When the database does not answer.
pub async fn rollback(transaction: super::Transaction) -> Result<(), DbError> {
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
    sqlx::query("SELECT 1")
        .execute(pool)
        .await
        .map_err(|error| DbError::new("database.ping", error))?;
    Ok(())
}

/// Begins a read-only transaction that sees one moment, and may take as long as its full scans take.
///
/// # Errors
/// When no connection is to be had.
pub(super) async fn snapshot(pool: &Pool) -> Result<super::Transaction, DbError> {
    let failed = |error| DbError::new("database.snapshot", error);
    let mut snapshot = pool
        .begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        .await
        .map_err(failed)?;
    sqlx::query("SET LOCAL statement_timeout = 0")
        .execute(&mut *snapshot)
        .await
        .map_err(failed)?;
    Ok(snapshot)
}

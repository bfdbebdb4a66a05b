//! What `commissary doctor` wants to know of the database.

use chrono::{DateTime, Utc};

use super::{DbError, Pool};

#[derive(Debug)]
pub struct DatabaseReport {
    pub version: String,
    /// Such as 150018.
    pub version_number: i32,
    pub read_only: bool,
    /// The last migration, if there was one.
    pub migration: Option<i64>,
    pub now: DateTime<Utc>,
    /// `None` before the first migration.
    pub waiting: Option<Waiting>,
}

/// Events that are not settled.
#[derive(Debug, sqlx::FromRow)]
pub struct Waiting {
    pub spooled: i64,
    pub queued: i64,
    pub parked: i64,
    pub dead: i64,
}

/// # Errors
/// When the database does not answer.
pub async fn inspect(pool: &Pool) -> Result<DatabaseReport, DbError> {
    let failed = |error| DbError::new("doctor.inspect", error);
    let (version, number, read_only, migrated, now): (String, i32, bool, bool, DateTime<Utc>) =
        sqlx::query_as(
            "SELECT current_setting('server_version'), current_setting('server_version_num')::integer,
                pg_is_in_recovery() OR current_setting('default_transaction_read_only')::boolean,
                to_regclass('_sqlx_migrations') IS NOT NULL, clock_timestamp()",
        )
        .fetch_one(pool)
        .await
        .map_err(failed)?;
    let mut report = DatabaseReport {
        version,
        version_number: number,
        read_only,
        migration: None,
        now,
        waiting: None,
    };
    if migrated {
        report.migration = sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations WHERE success")
            .fetch_one(pool)
            .await
            .map_err(failed)?;
    }
    if report.migration.is_some_and(|version| version >= 2) {
        let waiting = sqlx::query_as(
            "SELECT (SELECT count(*) FROM spool) AS spooled,
                    (SELECT count(*) FROM events WHERE status = 'queued') AS queued,
                    (SELECT count(*) FROM events WHERE status = 'parked') AS parked,
                    (SELECT count(*) FROM events WHERE status = 'dead') AS dead",
        );
        report.waiting = Some(waiting.fetch_one(pool).await.map_err(failed)?);
    }
    Ok(report)
}

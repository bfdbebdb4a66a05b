//! What `commissary doctor` wants to know of the database.

use chrono::{DateTime, Utc};

use super::{
    DbError, Pool,
    spool::{self, Newer},
};

#[derive(Debug)]
pub struct DatabaseReport {
    pub version: String,
    /// Such as 150018.
    pub version_number: i32,
    pub read_only: bool,
    /// The last migration, if there was one.
    pub migration: Option<i64>,
    pub now: DateTime<Utc>,
    /// `None` before the first migration, and to a role that may not look.
    pub waiting: Option<Waiting>,
    /// `None` before migration 41, and to a role that may not look.
    pub trouble: Option<Trouble>,
}

/// What does not go on without an operator.
#[derive(Debug)]
pub struct Trouble {
    /// Envelopes of a later version than this one.
    pub newer: Option<Newer>,
    /// Dead events that ended the process which applied them.
    pub crash_loops: i64,
}

/// Events that are not settled.
#[derive(Debug)]
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
    let server = sqlx::query!(
        r#"SELECT current_setting('server_version') AS "version!",
                current_setting('server_version_num')::integer AS "version_number!",
                pg_is_in_recovery() OR current_setting('default_transaction_read_only')::boolean AS "read_only!",
                to_regclass('_sqlx_migrations') IS NOT NULL AS "is_migrated!", clock_timestamp() AS "now!""#
    )
    .fetch_one(pool)
    .await
    .map_err(failed)?;
    let mut report = DatabaseReport {
        version: server.version,
        version_number: server.version_number,
        read_only: server.read_only,
        migration: None,
        now: server.now,
        waiting: None,
        trouble: None,
    };
    if server.is_migrated {
        // Not checked when compiled: the table is sqlx's own, no migration makes it.
        report.migration = sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations WHERE success")
            .fetch_one(pool)
            .await
            .map_err(failed)?;
    }
    let may_look =
        report.migration.is_some_and(|version| version >= 2) && may_look(pool).await.map_err(failed)?;
    if may_look {
        let waiting = sqlx::query_as!(
            Waiting,
            r#"SELECT (SELECT count(*) FROM spool) AS "spooled!",
                    (SELECT count(*) FROM events WHERE status = 'queued') AS "queued!",
                    (SELECT count(*) FROM events WHERE status = 'parked') AS "parked!",
                    (SELECT count(*) FROM events WHERE status = 'dead') AS "dead!""#
        );
        report.waiting = Some(waiting.fetch_one(pool).await.map_err(failed)?);
    }
    if may_look && report.migration.is_some_and(|version| version >= 41) {
        let mut connection = super::acquire(pool).await?;
        let newer = spool::newer(&mut connection).await?;
        let crash_loops = sqlx::query_scalar!(
            r#"SELECT count(*) AS "count!" FROM events WHERE status = 'dead' AND reason = 'crash_loop'"#
        );
        let crash_loops = crash_loops.fetch_one(&mut *connection).await.map_err(failed)?;
        report.trouble = Some(Trouble { newer, crash_loops });
    }
    Ok(report)
}

/// Whether the role may see what waits.
async fn may_look(pool: &Pool) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT has_table_privilege('spool', 'SELECT') AND has_column_privilege('events', 'status', 'SELECT') AS "may!""#
    )
    .fetch_one(pool)
    .await
}

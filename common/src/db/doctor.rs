//! What `commissary doctor` wants to know of the database.

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    DbError, Pool,
    id_range::first_id_at,
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
    /// `None` before migration 49, and to a role that may not look.
    pub lately: Option<Lately>,
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

/// What has come of late.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lately {
    /// Events that died in the last [`WINDOW`].
    pub dead: i64,
    /// Those refused among the events of the last window, without what only repeats an earlier event, and of the one before.
    pub refused: i64,
    pub refused_before: i64,
    /// Days, of today and the next two, whose partitions are missing.
    pub missing_days: Vec<String>,
}

/// What is lately.
pub const WINDOW: TimeDelta = TimeDelta::minutes(15);

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
        lately: None,
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
    if may_look && report.migration.is_some_and(|version| version >= 49) {
        report.lately = Some(lately(pool, report.now).await?);
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

/// Where the server keeps its data, if that is on this machine and this user may know.
///
/// # Errors
/// When the database does not answer.
pub async fn local_directory(pool: &Pool) -> Result<Option<String>, DbError> {
    sqlx::query_scalar!(
        "SELECT setting FROM pg_settings WHERE name = 'data_directory'
             AND (inet_server_addr() IS NULL OR inet_server_addr() = inet_client_addr())"
    )
    .fetch_optional(pool)
    .await
    .map(Option::flatten)
    .map_err(|error| DbError::new("doctor.local_directory", error))
}

async fn lately(pool: &Pool, now: DateTime<Utc>) -> Result<Lately, DbError> {
    let failed = |error| DbError::new("doctor.lately", error);
    let (since, before) = (now - WINDOW, now - WINDOW * 2);
    // By their ids those that were received then; a day has few others.
    let counts = sqlx::query!(
        r#"SELECT (SELECT count(*) FROM event_failures f JOIN events e USING (event_id)
                 WHERE f.last_at >= $1 AND e.status = 'dead') AS "dead!",
                count(*) FILTER (WHERE e.event_id >= $2) AS "refused!", count(*) FILTER (WHERE e.event_id < $2) AS "before!"
         FROM events e WHERE e.status = 'refused'
             AND e.reason NOT IN ('duplicate_order', 'idempotent_repeat') AND e.event_id >= $3"#,
        since,
        first_id_at(since),
        first_id_at(before)
    )
    .fetch_one(pool)
    .await
    .map_err(failed)?;
    let missing_days = sqlx::query_scalar!(
        r#"SELECT day::date::text AS "day!" FROM generate_series($1::date, $1::date + 2, interval '1 day') day
         WHERE to_regclass('events_' || to_char(day, 'YYYYMMDD')) IS NULL"#,
        now.date_naive()
    )
    .fetch_all(pool)
    .await
    .map_err(failed)?;
    Ok(Lately {
        dead: counts.dead,
        refused: counts.refused,
        refused_before: counts.before,
        missing_days,
    })
}

/// Whether the role may see what waits.
async fn may_look(pool: &Pool) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT has_table_privilege('spool', 'SELECT') AND has_table_privilege('event_failures', 'SELECT')
             AND has_column_privilege('events', 'status', 'SELECT') AS "may!""#
    )
    .fetch_one(pool)
    .await
}

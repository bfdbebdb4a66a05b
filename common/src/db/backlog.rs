//! What waits in the database, how long it has waited, and what has failed: for metrics and `commissary doctor`. Every role may ask.

use chrono::{DateTime, Utc};

use super::{Connection, DbError};
use crate::message::ENVELOPE_VERSION;

/// Organisations whose lag is told.
const LATEST_ORGS: i64 = 5;

/// The spool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spool {
    /// Envelopes that any worker takes.
    pub express: i64,
    pub bulk: i64,
    /// Envelopes that wait for workers of a later version.
    pub newer: i64,
    /// When the oldest of each came.
    pub express_since: Option<DateTime<Utc>>,
    pub bulk_since: Option<DateTime<Utc>>,
    /// By the database's clock.
    pub now: DateTime<Utc>,
}

/// Events that have rows and wait.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    pub queued: i64,
    pub parked: i64,
    /// Since when the first of the queued ones could have been applied.
    pub queued_since: Option<DateTime<Utc>>,
    /// When the oldest parked one came.
    pub parked_since: Option<DateTime<Utc>>,
}

/// Events that had no effect, without those that only repeat an earlier one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failed {
    pub refused: i64,
    pub dead: i64,
    /// Of both, those that were tried more than once.
    pub again: i64,
}

/// An organisation, and since when its oldest event waits in bulk or among queued events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrgLag {
    /// `None`: nobody knows whose the events are.
    pub org: Option<String>,
    pub since: DateTime<Utc>,
}

/// # Errors
/// When the database does not answer.
pub async fn spool(connection: &mut Connection) -> Result<Spool, DbError> {
    sqlx::query_as!(
        Spool,
        r#"SELECT count(*) FILTER (WHERE bulk_of IS NULL AND NOT is_newer) AS "express!",
                count(*) FILTER (WHERE bulk_of IS NOT NULL AND NOT is_newer) AS "bulk!",
                count(*) FILTER (WHERE is_newer) AS "newer!",
                min(created_at) FILTER (WHERE bulk_of IS NULL AND NOT is_newer) AS express_since,
                min(created_at) FILTER (WHERE bulk_of IS NOT NULL AND NOT is_newer) AS bulk_since,
                clock_timestamp() AS "now!"
         FROM (SELECT bulk_of, created_at, COALESCE(version > $1, false) AS is_newer FROM spool) s"#,
        i32::from(ENVELOPE_VERSION)
    )
    .fetch_one(connection)
    .await
    .map_err(|error| DbError::new("backlog.spool", error))
}

/// An event that was tried before waits since it became due; one that looks for what may be under way is due again and again.
///
/// # Errors
/// When the database does not answer.
pub async fn waiting(connection: &mut Connection) -> Result<Waiting, DbError> {
    sqlx::query_as!(
        Waiting,
        r#"SELECT count(*) FILTER (WHERE status = 'queued') AS "queued!", count(*) FILTER (WHERE status = 'parked') AS "parked!",
                min(CASE WHEN status = 'parked' THEN NULL
                         WHEN waits_since IS NOT NULL AND attempt = 1 THEN received_at
                         WHEN due_at <= now() THEN due_at END) AS queued_since,
                min(received_at) FILTER (WHERE status = 'parked') AS parked_since
         FROM events WHERE status IN ('queued', 'parked')"#
    )
    .fetch_one(connection)
    .await
    .map_err(|error| DbError::new("backlog.waiting", error))
}

/// # Errors
/// When the database does not answer.
pub async fn failed(connection: &mut Connection) -> Result<Failed, DbError> {
    sqlx::query_as!(
        Failed,
        r#"SELECT count(*) FILTER (WHERE status = 'refused') AS "refused!", count(*) FILTER (WHERE status = 'dead') AS "dead!",
                count(*) FILTER (WHERE attempt > 1) AS "again!"
         FROM events WHERE status IN ('refused', 'dead') AND reason NOT IN ('duplicate_order', 'idempotent_repeat')"#
    )
    .fetch_one(connection)
    .await
    .map_err(|error| DbError::new("backlog.failed", error))
}

/// The organisations that wait longest.
///
/// # Errors
/// When the database does not answer.
pub async fn latest_orgs(connection: &mut Connection) -> Result<Vec<OrgLag>, DbError> {
    sqlx::query_as!(
        OrgLag,
        r#"SELECT o.slug AS "org?", min(waiting.since) AS "since!" FROM (
             SELECT bulk_of AS org_id, min(created_at) AS since FROM spool
             WHERE bulk_of IS NOT NULL AND (version IS NULL OR version <= $1) GROUP BY bulk_of
             UNION ALL
             SELECT org_id, min(CASE WHEN waits_since IS NOT NULL AND attempt = 1 THEN received_at ELSE due_at END) FROM events
             WHERE status = 'queued' AND (due_at <= now() OR waits_since IS NOT NULL AND attempt = 1) GROUP BY org_id) waiting
         LEFT JOIN orgs o ON o.org_id = waiting.org_id
         GROUP BY waiting.org_id, o.slug ORDER BY min(waiting.since) LIMIT $2"#,
        i32::from(ENVELOPE_VERSION),
        LATEST_ORGS
    )
    .fetch_all(connection)
    .await
    .map_err(|error| DbError::new("backlog.latest_orgs", error))
}

/// The clients of the database server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connections {
    pub used: i64,
    /// Without those that are reserved.
    pub most: i64,
}

/// # Errors
/// When the database does not answer.
pub async fn connections(connection: &mut Connection) -> Result<Connections, DbError> {
    sqlx::query_as!(
        Connections,
        r#"SELECT (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend') AS "used!",
                current_setting('max_connections')::bigint - current_setting('superuser_reserved_connections')::bigint
                    - COALESCE(current_setting('reserved_connections', true)::bigint, 0) AS "most!""#
    )
    .fetch_one(connection)
    .await
    .map_err(|error| DbError::new("backlog.connections", error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::{Pool, spool_bulk};

    const EVENTS: &str = "
        INSERT INTO orgs (slug, title) VALUES ('slow', 'Slow'), ('fast', 'Fast');
        INSERT INTO events (event_id, org_id, kind, dialect, status, reason, received_at, due_at, attempt, waits_since, trusted, body)
        SELECT gen_random_uuid(), o.org_id, 'refund', 'native', e.status, e.reason, now() - e.received, now() - e.due, e.attempt, e.waits,
            true, '{}'
        FROM orgs o JOIN (VALUES
            ('slow', 'queued', NULL, interval '9 days', interval '40 s', 2, NULL),
            ('fast', 'queued', NULL, interval '2 days', interval '-1 hour', 1, NULL),
            ('fast', 'queued', NULL, interval '20 s', interval '-2 s', 1, 5),
            ('fast', 'parked', NULL, interval '5 hours', interval '-19 hours', 1, NULL),
            ('fast', 'refused', 'unknown_partner', interval '1 s', NULL, 1, NULL),
            ('fast', 'refused', 'unknown_partner', interval '1 s', NULL, 2, NULL),
            ('fast', 'refused', 'duplicate_order', interval '1 s', NULL, 3, NULL),
            ('slow', 'dead', '22003', interval '1 s', NULL, 2, NULL)
        ) e (slug, status, reason, received, due, attempt, waits) ON e.slug = o.slug";

    fn seconds(now: DateTime<Utc>, since: Option<DateTime<Utc>>) -> i64 {
        (now - since.unwrap()).num_seconds()
    }

    #[sqlx::test(migrator = "crate::db::MIGRATOR")]
    async fn what_waits_and_since_when(pool: Pool) {
        let mut conn = pool.acquire().await.unwrap();
        assert_eq!(latest_orgs(&mut conn).await.unwrap(), []);
        assert_eq!(waiting(&mut conn).await.unwrap().queued_since, None);
        sqlx::raw_sql(EVENTS).execute(&mut *conn).await.unwrap();
        let now = spool(&mut conn).await.unwrap().now;
        let found = waiting(&mut conn).await.unwrap();
        assert_eq!((found.queued, found.parked), (3, 1));
        assert_eq!(
            seconds(now, found.queued_since) / 10,
            4,
            "since the replay, not since it came"
        );
        assert_eq!(seconds(now, found.parked_since) / 3600, 5);
        assert_eq!(
            failed(&mut conn).await.unwrap(),
            Failed {
                refused: 2,
                dead: 1,
                again: 2
            }
        );
        let orgs = latest_orgs(&mut conn).await.unwrap();
        let names: Vec<_> = orgs.iter().map(|lag| lag.org.as_deref().unwrap()).collect();
        assert_eq!(names, ["slow", "fast"]);
        let connections = connections(&mut conn).await.unwrap();
        assert!(connections.used > 0 && connections.most > connections.used);
    }

    #[sqlx::test(migrator = "crate::db::MIGRATOR")]
    async fn each_lane_of_the_spool_and_what_is_for_newer_workers(pool: Pool) {
        let mut conn = pool.acquire().await.unwrap();
        super::super::spool::put(&mut conn, b"a").await.unwrap();
        spool_bulk::put(&mut conn, &[7, 7], &[vec![1], vec![2]])
            .await
            .unwrap();
        let later =
            "INSERT INTO spool (envelope, version, created_at) VALUES ('', 999, now() - interval '1 day')";
        sqlx::query(later).execute(&mut *conn).await.unwrap();
        let found = spool(&mut conn).await.unwrap();
        assert_eq!((found.express, found.bulk, found.newer), (1, 2, 1));
        assert!(
            seconds(found.now, found.express_since) < 60,
            "not that of the newer one"
        );
        let orgs = latest_orgs(&mut conn).await.unwrap();
        assert_eq!(orgs.len(), 1);
        assert_eq!(orgs[0].org, None, "nobody knows it");
    }
}

//! Days of the events table: made ahead of time, dropped when they are old.

use chrono::{DateTime, Days, Utc};

use super::{Connection, DbError};
use crate::domain::EVENT_RETENTION;

/// Days made ahead, today among them.
const DAYS_AHEAD: i32 = 4;
/// Days that failures stay.
const FAILED_DAYS: u64 = 90;
/// Days that applied events stay: [`EVENT_RETENTION`].
const APPLIED_DAYS: u64 = EVENT_RETENTION.num_days().unsigned_abs();

/// Makes the partitions of the next days. Returns how many.
///
/// # Errors
/// When the database does not answer, or somebody uses the table for longer than this transaction waits: what waits for
/// its lock has everybody behind it.
pub async fn make(connection: &mut Connection, now: DateTime<Utc>) -> Result<i32, DbError> {
    sqlx::query_scalar!(
        r#"SELECT ensure_event_partitions($1, $2) AS "made!""#,
        now.date_naive(),
        DAYS_AHEAD
    )
    .fetch_one(connection)
    .await
    .map_err(|error| DbError::new("partitions.make", error))
}

/// Drops the partitions that are past their time. Returns how many.
///
/// # Errors
/// As [`make`].
pub async fn drop_old(connection: &mut Connection, now: DateTime<Utc>) -> Result<i32, DbError> {
    let today = now.date_naive();
    let before = |days| today.checked_sub_days(Days::new(days)).unwrap_or(today);
    sqlx::query_scalar!(
        r#"SELECT drop_event_partitions($1, $2) AS "dropped!""#,
        before(APPLIED_DAYS + 1),
        before(FAILED_DAYS + 1)
    )
    .fetch_one(connection)
    .await
    .map_err(|error| DbError::new("partitions.drop", error))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use uuid::Uuid;

    use super::*;
    use crate::{
        db::{self, Pool, events},
        domain::{EventId, Outcome},
    };

    async fn is_waiting_for_a_lock(pool: &Pool) -> bool {
        let waiting = "SELECT EXISTS (SELECT FROM pg_locks l JOIN pg_database d ON d.oid = l.database
                       WHERE d.datname = current_database() AND NOT l.granted)";
        sqlx::query_scalar(waiting).fetch_one(pool).await.unwrap()
    }

    #[sqlx::test(migrator = "db::MIGRATOR")]
    async fn whoever_looks_for_an_event_that_moves_into_its_day_finds_it(pool: Pool) {
        let now = DateTime::from_timestamp_millis(1_790_000_000_000).unwrap();
        let id = EventId(Uuid::from_u128((1_790_000_000_000 << 80) | 7));
        sqlx::query(
            "INSERT INTO events (event_id, org_id, kind, dialect, status, received_at, trusted, body)
             VALUES ($1, 1, 'refund', 'native', 'queued', $2, true, '{}')",
        )
        .bind(id.0)
        .bind(now)
        .execute(&pool)
        .await
        .unwrap();
        let mut making = db::begin(&pool).await.unwrap();
        assert_eq!(make(&mut making, now).await.unwrap(), DAYS_AHEAD);
        #[expect(clippy::disallowed_methods, reason = "it ends with the test")]
        let looking = tokio::spawn({
            let pool = pool.clone();
            async move {
                events::known(&mut pool.acquire().await.unwrap(), &[id])
                    .await
                    .unwrap()
            }
        });
        while !is_waiting_for_a_lock(&pool).await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        db::commit(making).await.unwrap();
        assert_eq!(looking.await.unwrap(), [(id, Outcome::Queued)]);
    }
}

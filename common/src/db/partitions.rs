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
    sqlx::query_scalar("SELECT ensure_event_partitions($1, $2)")
        .bind(now.date_naive())
        .bind(DAYS_AHEAD)
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
    sqlx::query_scalar("SELECT drop_event_partitions($1, $2)")
        .bind(before(APPLIED_DAYS + 1))
        .bind(before(FAILED_DAYS + 1))
        .fetch_one(connection)
        .await
        .map_err(|error| DbError::new("partitions.drop", error))
}

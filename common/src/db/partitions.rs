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

/// Makes the partitions of the next days, and drops those that are past their time. Returns (made, dropped).
///
/// # Errors
/// When the database does not answer.
pub async fn maintain(connection: &mut Connection, now: DateTime<Utc>) -> Result<(i32, i32), DbError> {
    let today = now.date_naive();
    let before = |days| today.checked_sub_days(Days::new(days)).unwrap_or(today);
    let made = sqlx::query_scalar("SELECT ensure_event_partitions($1, $2)")
        .bind(today)
        .bind(DAYS_AHEAD)
        .fetch_one(&mut *connection)
        .await
        .map_err(|error| DbError::new("partitions.ensure", error))?;
    let dropped = sqlx::query_scalar("SELECT drop_event_partitions($1, $2)")
        .bind(before(APPLIED_DAYS + 1))
        .bind(before(FAILED_DAYS + 1))
        .fetch_one(connection)
        .await
        .map_err(|error| DbError::new("partitions.drop", error))?;
    Ok((made, dropped))
}

//! A month that has ended is closed, and the bonuses of those who reached a target are queued as events, once for each bonus
//! and month, however many workers look.

use std::time::Duration;

use chrono::{DateTime, Datelike as _, Days, Months, NaiveDate, Utc};
use common::{
    apply::event_rows,
    db::{self, DbError, Pool, bonuses},
    domain::Scheduled,
    message::EventIds,
};
use futures_util::FutureExt as _;

use super::{
    internal_event::internal_event,
    task::{Context, Done, RETRY, Task},
};

/// Days after the end of a month in which its sales may still arrive before bonuses are handed out.
pub const BONUS_GRACE_DAYS: u64 = 1;
/// Months that are made up for after an outage.
pub const BONUS_MONTHS: i32 = 12;

pub(super) const TASK: Task = Task {
    name: "close months",
    every: Duration::from_mins(10),
    retry: RETRY,
    run: |context| run(context).boxed(),
};

async fn run(context: &Context) -> Result<Done, DbError> {
    let queued = close_months(&context.pool, &context.ids, context.clock.now()).await?;
    if queued > 0 {
        tracing::info!(queued, "bonuses of a month that has ended");
    }
    Ok(Done::All)
}

/// Closes months that have ended and queues the bonuses of those who reached a target. Returns how many.
///
/// # Errors
/// When the database does not answer; nothing has happened then.
pub async fn close_months(pool: &Pool, ids: &EventIds, now: DateTime<Utc>) -> Result<usize, DbError> {
    let Some(last) = last_month(now) else { return Ok(0) };
    db::in_transaction(pool, async |transaction| {
        let reached = bonuses::close_months(transaction, last, BONUS_MONTHS, now).await?;
        let queued = reached.len();
        if queued > 0 {
            let reached = reached
                .into_iter()
                .map(|(org, due)| internal_event(ids, org, Scheduled::Bonus(due), now));
            event_rows::queue(transaction, reached.collect(), now).await?;
        }
        Ok(queued)
    })
    .await
}

/// The first day of the last month that has ended, grace included.
fn last_month(now: DateTime<Utc>) -> Option<NaiveDate> {
    let day = now.date_naive().checked_sub_days(Days::new(BONUS_GRACE_DAYS))?;
    day.with_day(1)?.checked_sub_months(Months::new(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn month(now: &str) -> String {
        let now: DateTime<Utc> = now.parse().unwrap();
        last_month(now).unwrap().to_string()
    }

    #[test]
    fn a_month_ends_a_day_late() {
        assert_eq!(month("2026-11-01T23:59:59Z"), "2026-09-01");
        assert_eq!(month("2026-11-02T00:00:00Z"), "2026-10-01");
        assert_eq!(month("2027-01-02T00:00:00Z"), "2026-12-01");
        assert_eq!(month("2027-01-01T12:00:00Z"), "2026-11-01");
    }
}

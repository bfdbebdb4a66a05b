//! What falls due by itself becomes queued events: holds that end, commissions that come again, bonuses of a month that
//! has ended. The row that said so goes in the transaction that adds the event, so each happens once, however many
//! workers look.

use chrono::{DateTime, Datelike as _, Days, Months, NaiveDate, Utc};
use common::{
    db::{self, DbError, Pool, bonuses, bonuses::BonusCandidate, events, schedules},
    domain::{
        Body, BonusDue, CommissionId, Dialect, Event, OrgId, Repetition, Scheduled,
        entities::{Schedule, ScheduleKind},
    },
    message::EventIds,
};

/// Schedules that become events in one turn.
pub const TURN_SCHEDULES: i64 = 200;
/// Days after the end of a month in which its sales may still arrive before bonuses are handed out.
pub const BONUS_GRACE_DAYS: u64 = 1;
/// Months that are made up for after an outage.
pub const BONUS_MONTHS: i32 = 12;

/// Queues what is due; `true` when there may be more.
///
/// # Errors
/// When the database does not answer; nothing has happened then.
pub async fn queue_due(pool: &Pool, ids: &EventIds, now: DateTime<Utc>) -> Result<bool, DbError> {
    let mut transaction = db::begin(pool).await?;
    let due = schedules::take_due(&mut transaction, now, TURN_SCHEDULES).await?;
    let more = i64::try_from(due.len()).is_ok_and(|count| count >= TURN_SCHEDULES);
    if due.is_empty() {
        db::rollback(transaction).await?;
        return Ok(false);
    }
    let due = due.iter().map(|one| internal(ids, one.org, body(one), now));
    events::enqueue(&mut transaction, due.collect(), now).await?;
    db::commit(transaction).await?;
    Ok(more)
}

/// Closes months that have ended and queues the bonuses of those who reached a target. Returns how many.
///
/// # Errors
/// As [`queue_due`].
pub async fn queue_bonuses(pool: &Pool, ids: &EventIds, now: DateTime<Utc>) -> Result<usize, DbError> {
    let Some(last) = last_month(now) else { return Ok(0) };
    let mut transaction = db::begin(pool).await?;
    let reached = bonuses::close_months(&mut transaction, last, BONUS_MONTHS, now).await?;
    let queued = reached.len();
    if queued > 0 {
        let reached = reached.into_iter().map(|one| bonus(ids, one, now));
        events::enqueue(&mut transaction, reached.collect(), now).await?;
    }
    db::commit(transaction).await?;
    Ok(queued)
}

/// The first day of the last month that has ended, grace included.
fn last_month(now: DateTime<Utc>) -> Option<NaiveDate> {
    let day = now.date_naive().checked_sub_days(Days::new(BONUS_GRACE_DAYS))?;
    day.with_day(1)?.checked_sub_months(Months::new(1))
}

fn body(schedule: &Schedule) -> Scheduled {
    match schedule.what {
        ScheduleKind::Hold => Scheduled::HoldEnds {
            conversion: schedule.conversion,
        },
        ScheduleKind::Recurrence => Scheduled::Recur(Repetition {
            conversion: schedule.conversion,
            commission: CommissionId(schedule.subject),
            period: u32::try_from(schedule.period).unwrap_or_default(),
            due: schedule.due_at,
        }),
    }
}

fn bonus(ids: &EventIds, reached: BonusCandidate, now: DateTime<Utc>) -> Event {
    let scheduled = Scheduled::Bonus(BonusDue {
        program: reached.program,
        bonus: reached.bonus,
        affiliate: reached.affiliate,
        month: reached.month,
    });
    internal(ids, reached.org, scheduled, now)
}

fn internal(ids: &EventIds, org: OrgId, scheduled: Scheduled, now: DateTime<Utc>) -> Event {
    Event {
        id: ids.issue(org, now),
        org,
        dialect: Dialect::Internal,
        received_at: now,
        authenticated: true,
        program_scope: None,
        idempotency: None,
        wait_until: None,
        request_id: None,
        body: Body::Scheduled(scheduled),
    }
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

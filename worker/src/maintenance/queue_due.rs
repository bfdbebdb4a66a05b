//! What falls due by itself becomes queued events: holds that end, commissions that come again. The row of the calendar goes
//! in the transaction that adds the event, so each happens once, however many workers look.

use std::time::Duration;

use chrono::{DateTime, Utc};
use common::{
    apply::event_rows,
    db::{self, DbError, Pool, schedules},
    domain::{
        CommissionId, Repetition, Scheduled,
        entities::{Schedule, ScheduleKind},
    },
    message::EventIds,
};
use futures_util::FutureExt as _;

use super::{
    internal_event::internal_event,
    task::{Context, Done, RETRY, Task},
};

/// Schedules that become events in one turn.
pub const TURN_SCHEDULES: i64 = 200;

pub(super) const TASK: Task = Task {
    name: "queue what falls due",
    every: Duration::from_secs(1),
    retry: RETRY,
    run: |context| run(context).boxed(),
};

async fn run(context: &Context) -> Result<Done, DbError> {
    let more = queue_due(&context.pool, &context.ids, context.clock.now()).await?;
    Ok(if more { Done::More } else { Done::All })
}

/// Queues what is due; `true` when there may be more.
///
/// # Errors
/// When the database does not answer; nothing has happened then.
pub async fn queue_due(pool: &Pool, ids: &EventIds, now: DateTime<Utc>) -> Result<bool, DbError> {
    db::in_transaction(pool, async |transaction| {
        let due = schedules::take_due(transaction, now, TURN_SCHEDULES).await?;
        let more = i64::try_from(due.len()).is_ok_and(|count| count >= TURN_SCHEDULES);
        if !due.is_empty() {
            let due = due
                .iter()
                .map(|schedule| internal_event(ids, schedule.org, body(schedule), now));
            event_rows::queue(transaction, due.collect(), now).await?;
        }
        Ok(more)
    })
    .await
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

//! Bonuses that were given and whose month has changed since are calculated again: each is an event, queued in the transaction that
//! takes the note of it.

use std::time::Duration;

use chrono::{DateTime, Utc};
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

/// Bonuses that become events in one turn.
pub const TURN_BONUSES: i64 = 200;

pub(super) const TASK: Task = Task {
    name: "calculate bonuses again",
    every: Duration::from_secs(1),
    retry: RETRY,
    run: |context| run(context).boxed(),
};

async fn run(context: &Context) -> Result<Done, DbError> {
    let more = recount_bonuses(&context.pool, &context.ids, context.clock.now()).await?;
    Ok(if more { Done::More } else { Done::All })
}

/// Queues the bonuses whose month has changed; `true` when there may be more.
///
/// # Errors
/// When the database does not answer; nothing has happened then.
pub async fn recount_bonuses(pool: &Pool, ids: &EventIds, now: DateTime<Utc>) -> Result<bool, DbError> {
    db::in_transaction(pool, async |transaction| {
        let changed = bonuses::take_changed(transaction, TURN_BONUSES).await?;
        let more = i64::try_from(changed.len()).is_ok_and(|count| count >= TURN_BONUSES);
        if !changed.is_empty() {
            let changed = changed
                .into_iter()
                .map(|(org, due)| internal_event(ids, org, Scheduled::Bonus(due), now));
            event_rows::queue(transaction, changed.collect(), now).await?;
        }
        Ok(more)
    })
    .await
}

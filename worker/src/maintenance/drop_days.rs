//! Drops the partitions of days that are older than events are kept.

use common::db::{self, DbError, partitions};
use futures_util::FutureExt as _;

use super::task::{Context, Done, PARTITIONS_EVERY, PARTITIONS_LOCK_WAIT, PARTITIONS_RETRY, Task};

pub(super) const TASK: Task = Task {
    name: "drop days of events",
    every: PARTITIONS_EVERY,
    retry: PARTITIONS_RETRY,
    run: |context| drop_days(context).boxed(),
};

async fn drop_days(context: &Context) -> Result<Done, DbError> {
    let now = context.clock.now();
    let dropped = db::in_transaction(&context.pool, async |transaction| {
        db::limit_lock_waits(transaction, PARTITIONS_LOCK_WAIT).await?;
        partitions::drop_old(transaction, now).await
    });
    let dropped = dropped.await?;
    if dropped > 0 {
        tracing::info!(dropped, "days of events");
    }
    Ok(Done::All)
}

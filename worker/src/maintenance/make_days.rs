//! Makes the partitions of the days to come, so that events never wait for one.

use common::db::{self, DbError, partitions};
use futures_util::FutureExt as _;

use super::task::{Context, Done, PARTITIONS_EVERY, PARTITIONS_LOCK_WAIT, PARTITIONS_RETRY, Task};

pub(super) const TASK: Task = Task {
    name: "make days of events",
    every: PARTITIONS_EVERY,
    retry: PARTITIONS_RETRY,
    run: |context| make_days(context).boxed(),
};

async fn make_days(context: &Context) -> Result<Done, DbError> {
    let now = context.clock.now();
    let made = db::in_transaction(&context.pool, async |transaction| {
        db::limit_lock_waits(transaction, PARTITIONS_LOCK_WAIT).await?;
        partitions::make(transaction, now).await
    });
    let made = made.await?;
    if made > 0 {
        tracing::info!(made, "days of events");
    }
    Ok(Done::All)
}

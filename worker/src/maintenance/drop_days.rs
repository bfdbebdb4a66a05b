//! Drops the partitions of days that are older than events are kept.

use common::db::{self, DbError, partitions};
use futures_util::FutureExt as _;

use super::{Context, Done, PARTITIONS_EVERY, PARTITIONS_RETRY, Task, begin_partitions};

pub(super) const TASK: Task = Task {
    name: "drop days of events",
    every: PARTITIONS_EVERY,
    retry: PARTITIONS_RETRY,
    run: |context| drop_days(context).boxed(),
};

async fn drop_days(context: &Context) -> Result<Done, DbError> {
    let mut transaction = begin_partitions(&context.pool).await?;
    let dropped = partitions::drop_old(&mut transaction, context.clock.now()).await?;
    db::commit(transaction).await?;
    if dropped > 0 {
        tracing::info!(dropped, "days of events");
    }
    Ok(Done::All)
}

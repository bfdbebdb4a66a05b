//! Makes the partitions of the days to come, so that events never wait for one.

use common::db::{self, DbError, partitions};
use futures_util::FutureExt as _;

use super::{Context, Done, PARTITIONS_EVERY, PARTITIONS_RETRY, Task, begin_partitions};

pub(super) const TASK: Task = Task {
    name: "make days of events",
    every: PARTITIONS_EVERY,
    retry: PARTITIONS_RETRY,
    run: |context| make_days(context).boxed(),
};

async fn make_days(context: &Context) -> Result<Done, DbError> {
    let mut transaction = begin_partitions(&context.pool).await?;
    let made = partitions::make(&mut transaction, context.clock.now()).await?;
    db::commit(transaction).await?;
    if made > 0 {
        tracing::info!(made, "days of events");
    }
    Ok(Done::All)
}

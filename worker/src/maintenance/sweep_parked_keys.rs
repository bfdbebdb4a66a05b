//! Forgets what events waited for that are parked no more.

use std::time::Duration;

use common::db::{self, DbError, parked_keys};
use futures_util::FutureExt as _;

use super::task::{Context, Done, RETRY, Task};

pub(super) const TASK: Task = Task {
    name: "sweep what was waited for",
    every: Duration::from_mins(1),
    retry: RETRY,
    run: |context| sweep_parked_keys(context).boxed(),
};

async fn sweep_parked_keys(context: &Context) -> Result<Done, DbError> {
    db::in_transaction(&context.pool, async |connection| {
        parked_keys::sweep(connection).await
    })
    .await?;
    Ok(Done::All)
}

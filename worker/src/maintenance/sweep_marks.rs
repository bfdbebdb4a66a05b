//! Looks after what crashes leave behind, and says when envelopes wait for newer workers.

use std::time::Duration;

use common::{
    db::{self, DbError, crash_marks, spool, under_way},
    message::ENVELOPE_VERSION,
};
use futures_util::FutureExt as _;

use super::task::{Context, Done, RETRY, Task};

pub(super) const TASK: Task = Task {
    name: "sweep what crashes left",
    every: Duration::from_mins(1),
    retry: RETRY,
    run: |context| sweep_marks(context).boxed(),
};

async fn sweep_marks(context: &Context) -> Result<Done, DbError> {
    let newer = db::in_transaction(&context.pool, async |connection| {
        under_way::sweep(connection).await?;
        crash_marks::sweep(connection).await?;
        spool::newer(connection).await
    });
    if let Some(newer) = newer.await? {
        tracing::error!(
            envelopes = newer.envelopes,
            version = newer.version,
            "envelopes wait for workers that know version {}, and this one knows {ENVELOPE_VERSION}: update the workers. They are \
             applied then, and nothing waits behind them",
            newer.version
        );
    }
    Ok(Done::All)
}

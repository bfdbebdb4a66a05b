//! Looks after parked events: those for which what they need has come meanwhile are queued, those that have waited too long are dead.

use std::time::Duration;

use common::{
    apply::event_rows,
    db::{self, DbError},
    telemetry,
};
use futures_util::FutureExt as _;

use super::task::{Context, Done, RETRY, Task};

pub(super) const TASK: Task = Task {
    name: "sweep parked events",
    every: Duration::from_secs(5),
    retry: RETRY,
    run: |context| sweep_parked(context).boxed(),
};

async fn sweep_parked(context: &Context) -> Result<Done, DbError> {
    let now = context.clock.now();
    let swept = db::in_transaction(&context.pool, async |transaction| {
        let (queued, dead) = event_rows::sweep_parked(transaction, now).await?;
        Ok::<_, DbError>((queued, dead))
    });
    let (queued, dead) = swept.await?;
    if dead > 0 {
        telemetry::metrics::dead("missing_parent".to_owned(), dead);
        tracing::warn!(
            dead,
            queued,
            "parked events waited too long for what they need: see `commissary dlq list`"
        );
    }
    Ok(Done::All)
}

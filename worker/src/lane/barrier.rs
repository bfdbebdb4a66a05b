//! How a lane passes a barrier (see [`common::db::barriers`]): it asks the broker for an answer behind all that it has been
//! delivered, applies all of that, and says so. Between barriers this costs nothing.

use common::{
    db::{self, barriers},
    telemetry,
};
use tokio::sync::watch;

use super::{consumer::PREFETCH, passing::Passing, state::Lane};

/// Waits for the call of another barrier.
pub(super) async fn called(barriers: &mut watch::Receiver<i64>) {
    if barriers.changed().await.is_err() {
        // Nobody is left to call: the process ends.
        std::future::pending::<()>().await;
    }
    barriers.mark_changed();
}

impl Lane {
    /// Begins to pass a barrier that was called, once the one before is passed.
    pub(super) async fn hear_of_barriers(&mut self) {
        let Some(consumer) = &mut self.consumer else {
            self.barriers.mark_unchanged();
            return;
        };
        if consumer.passing.is_some() || !self.barriers.has_changed().unwrap_or(false) {
            return;
        }
        let number = *self.barriers.borrow_and_update();
        match consumer.subscription.sync().await {
            Ok(()) => {
                consumer.passing = Some(Passing {
                    number,
                    left: usize::from(PREFETCH),
                });
            }
            Err(error) => consumer.connection.fail(telemetry::chain(&error)),
        }
    }

    /// Says so when nothing is left that was delivered before the barrier. One that cannot be said is only called again.
    pub(super) async fn pass_barrier(&mut self) {
        let Some(consumer) = &mut self.consumer else {
            return;
        };
        let Some(Passing { number, .. }) = consumer.passing.take_if(|passing| passing.left == 0) else {
            return;
        };
        let id = consumer.id;
        let passed = db::in_transaction(&self.worker.pool, async |connection| {
            barriers::pass(connection, id, number).await
        });
        if let Err(error) = passed.await {
            tracing::debug!(error = %telemetry::chain(&error), number, "passing a barrier");
        }
    }
}

//! What a task of maintenance is, and one run of it.

use std::time::Duration;

use common::{
    db::{DbError, Pool},
    message::EventIds,
    runtime::Clock,
    telemetry,
};
use futures_util::future::BoxFuture;

/// What failed is tried again after this.
pub(super) const RETRY: Duration = Duration::from_secs(2);
/// Before more of the same, so that the events in between are applied meanwhile.
pub(super) const MORE_PAUSE: Duration = Duration::from_millis(100);
/// How long making and dropping days waits for the table: everybody else waits behind it.
pub(super) const PARTITIONS_LOCK_WAIT: Duration = Duration::from_millis(200);
/// Between two looks at the partitions.
pub(super) const PARTITIONS_EVERY: Duration = Duration::from_hours(1);
/// Somebody reads the table that is to be changed: there are days left to do it.
pub(super) const PARTITIONS_RETRY: Duration = Duration::from_mins(1);

/// One of the tasks.
pub(super) struct Task {
    pub(super) name: &'static str,
    pub(super) every: Duration,
    pub(super) retry: Duration,
    pub(super) run: for<'a> fn(&'a Context) -> BoxFuture<'a, Result<Done, DbError>>,
}

/// What a task works with.
pub(super) struct Context {
    pub(super) pool: Pool,
    pub(super) clock: Clock,
    pub(super) ids: EventIds,
}

pub(super) enum Done {
    All,
    /// There may be more to do.
    More,
}

impl Task {
    /// Runs it; returns when it is due again.
    pub(super) async fn attempt(&self, context: &Context) -> Duration {
        match (self.run)(context).await {
            Ok(Done::All) => self.every,
            Ok(Done::More) => MORE_PAUSE,
            Err(error) => {
                tracing::error!(
                    maintenance = self.name,
                    error = %telemetry::chain(&error),
                    "a maintenance task failed; it is tried again"
                );
                self.retry
            }
        }
    }
}

//! Where a lane is in the spool, and who calls it there.

use tokio::sync::watch;

/// Where a lane is in the spool.
pub(super) struct SpoolPosition {
    pub(super) calls: watch::Receiver<u64>,
    /// Whether it had envelopes when it was last looked at, or somebody called since.
    pub(super) has_more: bool,
    /// The last id that was taken.
    pub(super) after: i64,
}

impl SpoolPosition {
    pub(super) fn new(calls: watch::Receiver<u64>) -> Self {
        Self {
            calls,
            has_more: true,
            after: 0,
        }
    }

    /// Waits until somebody calls.
    pub(super) async fn called(&mut self) {
        if self.calls.changed().await.is_err() {
            // Nobody is left to call: the process ends.
            std::future::pending::<()>().await;
        }
        self.has_more = true;
    }
}

//! Whether outcomes flow. When none at all has come for a second while requests wait, callers get their receipts at once
//! until outcomes flow again.

use std::time::Duration;

use common::{queue::PendingReplies, runtime::TaskGroup};
use tokio::sync::watch;

/// Silence that counts as a stall.
const PATIENCE: Duration = Duration::from_secs(1);
const CHECK: Duration = Duration::from_millis(100);
/// After this long nobody looks out for a probe's outcome any more.
const PROBE_AGE: Duration = Duration::from_secs(30);

/// Starts looking; the value is `true` while outcomes do not flow.
pub(super) fn start(pending: PendingReplies, tasks: &TaskGroup) -> watch::Receiver<bool> {
    let (state, stalled) = watch::channel(false);
    tasks.keep("stall detector", move || look(pending.clone(), state.clone()));
    stalled
}

async fn look(pending: PendingReplies, state: watch::Sender<bool>) {
    loop {
        tokio::time::sleep(CHECK).await;
        pending.expire_probes(PROBE_AGE);
        let is_stalled = pending.is_stalled(PATIENCE);
        let changed = state.send_if_modified(|state| std::mem::replace(state, is_stalled) != is_stalled);
        if changed && is_stalled {
            tracing::warn!(
                "no outcome has come for {PATIENCE:?}: answering with receipts until outcomes flow again"
            );
        } else if changed {
            tracing::info!("outcomes flow again");
        }
    }
}

//! Brings the workers' replies to those who wait, over a queue of this instance's own.

use common::{
    message::ReplyBatch,
    queue::{
        PendingReplies,
        amqp::{ConnectionManager, ReplyQueue},
    },
    telemetry,
};
use tokio::sync::watch;

/// Keeps a reply queue open on whatever connection there is, and tells its name to the publishers; until the manager ends.
pub(super) async fn run(
    manager: ConnectionManager,
    pending: PendingReplies,
    name: watch::Sender<Option<String>>,
) {
    while let Some(connection) = manager.up().await {
        match ReplyQueue::open(&connection).await {
            Ok(mut queue) => {
                name.send_replace(Some(queue.name().to_owned()));
                receive(&mut queue, &pending).await;
                name.send_replace(None);
            }
            Err(error) => connection.fail(format!(
                "the reply queue could not be opened: {}",
                telemetry::chain(&error)
            )),
        }
    }
}

async fn receive(queue: &mut ReplyQueue, pending: &PendingReplies) {
    while let Some(payload) = queue.next().await {
        match ReplyBatch::decode(&payload) {
            Ok(batch) => pending.deliver(batch.replies),
            Err(error) => {
                tracing::warn!(%error, "a reply could not be decoded; its outcomes will be looked up");
            }
        }
    }
}

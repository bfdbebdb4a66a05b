//! Readiness: whether this process can do its work by any path.

use std::time::Duration;

use api::Ready;
use common::{
    db::{self, Pool},
    queue::amqp::ConnectionManager,
    runtime::TaskGroup,
};
use tokio::sync::watch;

/// Between two looks at the database.
const CHECK: Duration = Duration::from_secs(1);
/// A database that takes longer than this to answer is not there.
const ANSWER: Duration = Duration::from_secs(2);

/// Ready while the database answers, or, where a broker is given, while that takes messages.
pub(crate) fn watch(pool: &Pool, broker: Option<&ConnectionManager>, tasks: &TaskGroup) -> Ready {
    let (ready, watched) = watch::channel(true);
    let (pool, broker) = (pool.clone(), broker.cloned());
    tasks.keep("readiness", move || {
        look(pool.clone(), broker.clone(), ready.clone())
    });
    Ready::Watched(watched)
}

async fn look(pool: Pool, broker: Option<ConnectionManager>, ready: watch::Sender<bool>) {
    loop {
        let answered = tokio::time::timeout(ANSWER, db::ping(&pool)).await;
        let broker_takes = broker.as_ref().is_some_and(|manager| manager.current().is_some());
        ready.send_replace(broker_takes || matches!(answered, Ok(Ok(()))));
        tokio::time::sleep(CHECK).await;
    }
}

//! The data plane of a process: keys, pipeline, router.

use std::time::Duration;

use anyhow::Context as _;
use common::{db::Pool, message::EventIds, queue::Instances, runtime::Clock};
use ingest::{
    Ingest,
    auth::{self, Keys},
    pipeline::{self, Pipeline, PipelineParts},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::broker::Broker;

/// Connections of an ingest: the overflow's, the reader's and its listener, the keys' and their listener, the readiness check.
pub(crate) const CONNECTIONS: u32 = pipeline::OVERFLOW_CONNECTIONS as u32 + 5;

/// How long the first load of the keys may take.
const FIRST_LOAD_DEADLINE: Duration = Duration::from_secs(10);

/// The tasks of a running data plane.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) ingest: Ingest,
    tasks: TaskTracker,
    stop: CancellationToken,
}

/// Starts the data plane. Its publishers live until the [`Ingest`] and its clones are gone.
pub(crate) async fn start(
    pool: &Pool,
    ids: EventIds,
    broker: Option<&Broker>,
    instances: Instances,
    clock: &Clock,
) -> anyhow::Result<Running> {
    let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
    let keys = Keys::of_database(pool.clone());
    keys.reload(FIRST_LOAD_DEADLINE)
        .await
        .context("reading the keys")?;
    tasks.spawn(auth::refresh(keys.clone(), pool.clone(), stop.clone()));
    let parts = PipelineParts {
        instance: format!("{}-{:016x}", std::process::id(), rand::random::<u64>()),
        clock: clock.clone(),
        pool: pool.clone(),
        broker: broker.map(|broker| pipeline::Broker {
            publish: broker.publish.clone(),
            replies: broker.consume.clone(),
            topology: broker.topology.clone(),
        }),
        instances,
    };
    let pipeline = Pipeline::start(parts, &tasks, &stop);
    let ingest = Ingest::new(keys, pipeline, ids, clock.clone());
    Ok(Running { ingest, tasks, stop })
}

impl Running {
    /// Ends after the server has: what was taken is made durable first.
    pub(crate) async fn finish(self) {
        drop(self.ingest);
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

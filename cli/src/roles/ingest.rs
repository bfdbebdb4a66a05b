//! The data plane of a process: keys, pipeline, router.

use std::time::Duration;

use anyhow::Context as _;
use common::{
    db::Pool,
    message::EventIds,
    queue::{Instances, amqp::Broker},
    runtime::{Clock, TaskGroup},
};
use ingest::{
    Ingest,
    auth::{self, Keys},
    pipeline::{self, Pipeline, PipelineParts},
};

use super::Process;

/// Connections of an ingest: the overflow's, the reader's and its listener, the keys' and their listener, the readiness check, the
/// rejections'.
pub(crate) const CONNECTIONS: u32 = pipeline::OVERFLOW_CONNECTIONS as u32 + 6;

/// How long the first load of the keys may take.
const FIRST_LOAD_DEADLINE: Duration = Duration::from_secs(10);

/// Starts the data plane of `process`: what it needs beside the server, in a group that ends after `requests` do; they are
/// made here, too, for that reason.
pub(crate) async fn start(
    process: &Process,
    pool: &Pool,
    ids: EventIds,
    broker: Option<&Broker>,
    instances: Instances,
    clock: &Clock,
) -> anyhow::Result<(Ingest, TaskGroup)> {
    let tasks = process.group("pipeline", pipeline::DRAIN_TIMEOUT);
    let requests = process.requests();
    let keys = Keys::of_database(pool.clone());
    keys.reload(FIRST_LOAD_DEADLINE)
        .await
        .context("reading the keys")?;
    {
        let (keys, pool) = (keys.clone(), pool.clone());
        tasks.keep_draining("keys", move |stop| {
            auth::refresh(keys.clone(), pool.clone(), stop)
        });
    }
    let parts = PipelineParts {
        instance: format!("{}-{:016x}", std::process::id(), rand::random::<u64>()),
        clock: clock.clone(),
        pool: pool.clone(),
        broker: broker.cloned(),
        instances,
    };
    let pipeline = Pipeline::start(&parts, &tasks);
    let ingest = Ingest::new(keys, pipeline, ids, clock.clone(), requests.clone());
    Ok((ingest, requests))
}

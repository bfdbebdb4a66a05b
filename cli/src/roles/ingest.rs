//! The data plane of a process: keys, pipeline, router.

use common::{
    db::Pool,
    keyring::Keys,
    message::EventIds,
    queue::{Instances, amqp::Broker},
    runtime::{Clock, TaskGroup},
};
use ingest::{
    Ingest,
    pipeline::{self, Pipeline, PipelineParts},
};

use super::Process;

/// Connections of an ingest: the overflow's, the reader's and its listener, the keys' and their listener, the readiness check, the
/// rejections', the watch's.
pub(crate) const CONNECTIONS: u32 = pipeline::OVERFLOW_CONNECTIONS as u32 + 7;

/// Starts the data plane of `process`: what it needs beside the server, in a group that ends after `requests` do; they are
/// made here, too, for that reason.
pub(crate) fn start(
    process: &Process,
    pool: &Pool,
    keys: Keys,
    ids: EventIds,
    broker: Option<&Broker>,
    instances: Instances,
    clock: &Clock,
) -> (Ingest, TaskGroup) {
    let tasks = process.group("pipeline", pipeline::DRAIN_TIMEOUT);
    let requests = process.requests();
    let parts = PipelineParts {
        instance: format!("{}-{:016x}", std::process::id(), rand::random::<u64>()),
        clock: clock.clone(),
        pool: pool.clone(),
        broker: broker.cloned(),
        instances,
    };
    let pipeline = Pipeline::start(&parts, &tasks);
    let ingest = Ingest::new(keys, pipeline, ids, clock.clone(), requests.clone());
    (ingest, requests)
}

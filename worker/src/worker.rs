//! What a worker of one process works with.

use std::time::Duration;

use common::{
    db::Pool,
    queue::{Instances, amqp::Broker},
    runtime::Clock,
};

use crate::Progress;

/// Batches of express that a worker applies side by side. Two keep the database busy while one of them commits; more cut into more
/// batches what there is.
pub const DEFAULT_LANES: u16 = 2;
/// Lanes of bulk beside so many of express: four at the least, for their batches are full however many there are.
pub(crate) const fn bulk_lanes(lanes: u16) -> u16 {
    if lanes < 4 { 4 } else { lanes }
}
/// Database connections of a worker: two for each lane of both kinds and for the queued events (the outer transaction of a spooled
/// batch stays open while its events are applied in others, on a connection that the lane keeps), one for their marks, a listener for the
/// lanes and one for the queued events, one for maintenance, one for what the broker gave up, one for bulk on its way from the broker
/// into the spool, one for readiness and the watch.
pub const fn connections(lanes: u16) -> u32 {
    (lanes as u32 + bulk_lanes(lanes) as u32 + 1) * 2 + 7
}

/// How long the current batches may take to finish after the stop was asked for. What is not finished is delivered again.
pub const DRAIN_TIMEOUT: Duration = Duration::from_secs(20);

/// What a worker works with.
#[derive(Clone, Debug)]
pub struct Worker {
    pub pool: Pool,
    pub clock: Clock,
    /// `None`: the spool is the only queue.
    pub broker: Option<Broker>,
    /// Ingest instances in the same process.
    pub instances: Instances,
    pub lanes: u16,
    /// What its lanes do, for whoever asks.
    pub progress: Progress,
}

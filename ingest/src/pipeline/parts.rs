//! What a pipeline is made of.

use common::{
    db::Pool,
    queue::{Instances, amqp::Broker},
    runtime::Clock,
};

/// Connections of the overflow: for express, and for bulk.
pub(super) const EXPRESS_OVERFLOW: u16 = 2;
pub(super) const BULK_OVERFLOW: u16 = 1;
pub const OVERFLOW_CONNECTIONS: u16 = EXPRESS_OVERFLOW + BULK_OVERFLOW;

/// What a pipeline is made of.
#[derive(Clone, Debug)]
pub struct PipelineParts {
    /// A name that no other ingest instance has.
    pub instance: String,
    pub clock: Clock,
    /// For spooling, and for looking up outcomes.
    pub pool: Pool,
    /// `None`: the spool is the only queue.
    pub broker: Option<Broker>,
    /// Where workers of the same process find this instance.
    pub instances: Instances,
}

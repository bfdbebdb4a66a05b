//! The broker as one process sees it: two connections that come back, and the names of its queues.

use std::time::Duration;

use super::{AmqpError, AmqpUrl, ConnectionManager, Topology};
use crate::runtime::{AmqpArgs, TaskGroup};

/// How long the connections may take to close: two seconds each, side by side, and some room.
pub const DRAIN_TIMEOUT: Duration = Duration::from_secs(4);

/// The managers of one process: publishing and consuming never share a connection, since a broker that is short of memory
/// blocks those that publish, and acknowledgements would wait with them.
#[derive(Clone, Debug)]
pub struct Broker {
    pub publish: ConnectionManager,
    pub consume: ConnectionManager,
    pub topology: Topology,
}

impl Broker {
    /// Starts the managers as tasks of `tasks`, if there is a broker. They connect in the background: without it events
    /// pass through the spool.
    ///
    /// # Errors
    /// When the URL is malformed, or a file for TLS is of no use.
    pub fn start(args: &AmqpArgs, tasks: &TaskGroup) -> Result<Option<Self>, AmqpError> {
        let Some(url) = AmqpUrl::of(args)? else {
            return Ok(None);
        };
        let topology = Topology::new(&args.amqp_prefix);
        Ok(Some(Self {
            publish: ConnectionManager::start(url.clone(), "publish", topology.clone(), tasks),
            consume: ConnectionManager::start(url, "consume", topology.clone(), tasks),
            topology,
        }))
    }
}

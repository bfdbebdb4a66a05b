//! A look at the broker that changes nothing, for `commissary doctor`.

use std::sync::Arc;
use std::time::Duration;

use super::dial::dial;
use super::error::reply_text;
use super::probe::broker_version;
use super::{AmqpError, AmqpUrl, Connection, QueueDepth, QueueProbe, Topology};
use crate::runtime::Supervisor;

/// The reply code for a queue that does not exist.
const NOT_FOUND: u16 = 404;

/// What the broker says of itself and of our queues.
#[derive(Debug)]
pub struct BrokerReport {
    /// For example "RabbitMQ 3.10.8".
    pub version: String,
    pub queues: Vec<QueueReport>,
}

#[derive(Debug)]
pub struct QueueReport {
    pub name: String,
    /// `None`: the queue does not exist yet.
    pub depth: Option<QueueDepth>,
}

/// Connects once, asks, and closes. Never declares.
pub async fn inspect(url: &AmqpUrl, topology: &Topology) -> Result<BrokerReport, AmqpError> {
    let version = broker_version(url).await?;
    let (connection, socket) = dial(url, "doctor").await?;
    let tasks = Supervisor::new().group("doctor", Duration::ZERO);
    let connection = Arc::new(Connection::new(1, connection, socket, tasks));
    let mut queues = Vec::new();
    for name in [topology.events(), topology.bulk(), topology.undeliverable()] {
        let depth = depth(&connection, &name).await?;
        queues.push(QueueReport { name, depth });
    }
    connection.close("the inspection is done").await;
    Ok(BrokerReport { version, queues })
}

/// On a channel of its own: the broker closes it if the queue is missing.
async fn depth(connection: &Arc<Connection>, name: &str) -> Result<Option<QueueDepth>, AmqpError> {
    match QueueProbe::open(connection).await?.depth(name).await {
        Ok(depth) => Ok(Some(depth)),
        Err(AmqpError::Channel { source, .. }) if reply_text(&source, NOT_FOUND).is_some() => Ok(None),
        Err(error) => Err(error),
    }
}

//! A look at the broker that changes nothing, for `commissary doctor`.

use std::time::Duration;

use lapin::options::QueueDeclareOptions;
use lapin::types::FieldTable;

use super::dial::dial;
use super::error::{reply_text, short};
use super::probe::broker_version;
use super::{AmqpError, AmqpUrl, Connection, Topology};
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

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueDepth {
    /// Ready for delivery; those at a consumer, not yet settled, are not counted.
    pub messages: u32,
    pub consumers: u32,
}

/// Connects once, asks, and closes. Never declares.
pub async fn inspect(url: &AmqpUrl, topology: &Topology) -> Result<BrokerReport, AmqpError> {
    let version = broker_version(url).await?;
    let (connection, socket) = dial(url, "doctor").await?;
    let tasks = Supervisor::new().group("doctor", Duration::ZERO);
    let connection = Connection::new(1, connection, socket, tasks);
    let mut queues = Vec::new();
    for name in [topology.events(), topology.undeliverable()] {
        let depth = depth(&connection, &name).await?;
        queues.push(QueueReport { name, depth });
    }
    connection.close("the inspection is done").await;
    Ok(BrokerReport { version, queues })
}

/// On a channel of its own: the broker closes it if the queue is missing.
async fn depth(connection: &Connection, name: &str) -> Result<Option<QueueDepth>, AmqpError> {
    let channel = connection.open_channel().await?;
    let options = QueueDeclareOptions {
        passive: true,
        ..QueueDeclareOptions::default()
    };
    let declaring = channel.queue_declare(short("queue name", name)?, options, FieldTable::default());
    match connection.run("looking at a queue", declaring).await {
        Ok(queue) => Ok(Some(QueueDepth {
            messages: queue.message_count(),
            consumers: queue.consumer_count(),
        })),
        Err(AmqpError::Channel { source, .. }) if reply_text(&source, NOT_FOUND).is_some() => Ok(None),
        Err(error) => Err(error),
    }
}

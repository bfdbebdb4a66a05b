//! How much a queue holds, asked on a channel of its own: the broker closes it if the queue is missing.

use std::fmt;
use std::sync::Arc;

use lapin::Channel;
use lapin::options::QueueDeclareOptions;
use lapin::types::FieldTable;

use super::error::short;
use super::{AmqpError, Connection};

/// A queue at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueDepth {
    /// Ready for delivery; those at a consumer, not yet settled, are not counted.
    pub messages: u32,
    pub consumers: u32,
}

/// Asks, and changes nothing.
pub struct QueueProbe {
    channel: Channel,
    connection: Arc<Connection>,
}

impl QueueProbe {
    pub async fn open(connection: &Arc<Connection>) -> Result<Self, AmqpError> {
        Ok(Self {
            channel: connection.open_channel().await?,
            connection: Arc::clone(connection),
        })
    }

    /// After an error the probe is of no use any more.
    pub async fn depth(&self, queue: &str) -> Result<QueueDepth, AmqpError> {
        let options = QueueDeclareOptions {
            passive: true,
            ..QueueDeclareOptions::default()
        };
        let declaring =
            self.channel
                .queue_declare(short("queue name", queue)?, options, FieldTable::default());
        let queue = self.connection.run("looking at a queue", declaring).await?;
        Ok(QueueDepth {
            messages: queue.message_count(),
            consumers: queue.consumer_count(),
        })
    }
}

impl fmt::Debug for QueueProbe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QueueProbe")
            .field("connection", &self.connection)
            .finish_non_exhaustive()
    }
}

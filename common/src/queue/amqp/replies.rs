//! Outcomes on their way back to the ingest instance that waits for them. Losing one only delays an answer, so nothing
//! here is durable, confirmed or acknowledged.

use std::fmt;
use std::sync::Arc;

use lapin::options::{BasicConsumeOptions, BasicPublishOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Channel};

use super::consume::Inbox;
use super::error::short;
use super::{AmqpError, Connection};

/// `delivery_mode` of a message that need not survive the broker.
const TRANSIENT: u8 = 1;
/// An instance that reads its replies too slowly loses the oldest; those requests are long answered with a receipt.
const MAX_REPLY_BYTES: i64 = 64 * 1024 * 1024;

/// A reply queue of one instance and one connection: exclusive, so it is gone with the connection. Open it on the
/// consuming manager.
pub struct ReplyQueue {
    name: String,
    inbox: Inbox,
}

impl ReplyQueue {
    pub async fn open(connection: &Arc<Connection>) -> Result<Self, AmqpError> {
        let channel = connection.open_channel().await?;
        let options = QueueDeclareOptions {
            exclusive: true,
            auto_delete: true,
            ..QueueDeclareOptions::default()
        };
        let mut arguments = FieldTable::default();
        arguments.insert("x-queue-type".into(), AMQPValue::LongString("classic".into()));
        arguments.insert(
            "x-max-length-bytes".into(),
            AMQPValue::LongLongInt(MAX_REPLY_BYTES),
        );
        arguments.insert("x-overflow".into(), AMQPValue::LongString("drop-head".into()));
        let declaring = channel.queue_declare("".into(), options, arguments);
        let name = connection
            .run("declaring a reply queue", declaring)
            .await?
            .name()
            .to_string();
        let options = BasicConsumeOptions {
            no_ack: true,
            exclusive: true,
            ..BasicConsumeOptions::default()
        };
        let inbox = Inbox::open(connection, channel, &name, "replies", options).await?;
        Ok(Self { name, inbox })
    }

    /// Chosen by the broker; goes into what is published, for the worker to answer to.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The next reply. `None`: the connection is over. Cancel-safe.
    pub async fn next(&mut self) -> Option<Vec<u8>> {
        self.inbox.next().await.map(|delivery| delivery.data)
    }
}

impl fmt::Debug for ReplyQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReplyQueue")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// Sends replies. Open it on the publishing manager: the broker blocks connections that publish, and on a blocked one acks
/// would wait too.
pub struct ReplyChannel {
    channel: Channel,
    connection: Arc<Connection>,
}

impl ReplyChannel {
    pub async fn open(connection: &Arc<Connection>) -> Result<Self, AmqpError> {
        let channel = connection.open_channel().await?;
        Ok(Self {
            channel,
            connection: Arc::clone(connection),
        })
    }

    /// Writes one reply; `false` if it was not written. A blocked connection takes none: they would pile up in memory and
    /// be of no use when they left. A queue that is gone (its instance is) swallows the reply.
    pub async fn send(&mut self, queue: &str, payload: &[u8]) -> Result<bool, AmqpError> {
        if self.connection.is_over() || self.connection.is_blocked() {
            return Ok(false);
        }
        let publishing = self.channel.basic_publish(
            "".into(),
            short("reply queue name", queue)?,
            BasicPublishOptions::default(),
            payload,
            BasicProperties::default().with_delivery_mode(TRANSIENT),
        );
        self.connection
            .run("publishing a reply", publishing)
            .await
            .map(|_not_requested| true)
    }
}

impl fmt::Debug for ReplyChannel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReplyChannel")
            .field("connection", &self.connection)
            .finish_non_exhaustive()
    }
}

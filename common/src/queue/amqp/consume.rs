//! Consuming with acks.

use std::fmt;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Waker};

use futures_util::{FutureExt, StreamExt};
use lapin::options::{BasicAckOptions, BasicConsumeOptions, BasicNackOptions, BasicQosOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{Channel, Consumer};

use super::error::short;
use super::{AmqpError, Connection, chain};

/// Names a delivery to the subscription it came from. The broker counts deliveries from 1 on every channel; were the bare
/// number used, an ack that comes too late could settle another message of the next connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeliveryTag {
    subscription: u64,
    number: u64,
}

/// One message handed to us and not yet settled.
#[derive(Debug)]
pub struct Delivery {
    pub tag: DeliveryTag,
    pub payload: Vec<u8>,
    /// How often the broker has taken this message back from a consumer before. 4.3 does not count a requeue by `nack`.
    pub delivery_count: u64,
    pub redelivered: bool,
}

/// A consumer on a channel of its own. Dropping it gives everything unsettled back to the queue.
pub struct Subscription {
    id: u64,
    prefetch: u16,
    inbox: Inbox,
}

impl Subscription {
    /// At most `prefetch` messages are unsettled at a time.
    pub async fn open(
        connection: &Arc<Connection>,
        queue: &str,
        prefetch: u16,
        consumer_tag: &str,
    ) -> Result<Self, AmqpError> {
        static NEXT_ID: AtomicU64 = AtomicU64::new(1);
        let channel = connection.open_channel().await?;
        connection
            .run(
                "setting the prefetch",
                channel.basic_qos(prefetch, BasicQosOptions::default()),
            )
            .await?;
        let inbox = Inbox::open(
            connection,
            channel,
            queue,
            consumer_tag,
            BasicConsumeOptions::default(),
        )
        .await?;
        Ok(Self {
            id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
            prefetch,
            inbox,
        })
    }

    /// The next message. `None`: the connection is over, and everything unsettled will be delivered again. Cancel-safe.
    pub async fn next(&mut self) -> Option<Delivery> {
        self.inbox.next().await.map(|delivery| self.delivery(delivery))
    }

    /// A message that is here already. `None` is certain: it does not come of the budget that a task has between two waits.
    pub fn ready(&mut self) -> Option<Delivery> {
        tokio::task::unconstrained(self.next()).now_or_never().flatten()
    }

    /// Returns when everything is here that the broker had delivered to this consumer when it was called: the broker answers
    /// behind it on the same channel. The prefetch that it is asked to set is the one that it has.
    pub async fn sync(&self) -> Result<(), AmqpError> {
        let asking = self
            .inbox
            .channel
            .basic_qos(self.prefetch, BasicQosOptions::default());
        self.inbox
            .connection
            .run("asking for what was delivered", asking)
            .await
    }

    /// Settles this delivery and all before it.
    ///
    /// Like [`Subscription::ack`] and [`Subscription::requeue`]: `Ok(true)` means that it was written to the connection,
    /// so the broker can have got it; in every other case it has not and the message comes again.
    pub async fn ack_through(&self, tag: DeliveryTag) -> Result<bool, AmqpError> {
        self.settle(tag, "acknowledging", |channel, number| async move {
            channel
                .basic_ack(number, BasicAckOptions { multiple: true })
                .await
        })
        .await
    }

    /// Settles this delivery.
    pub async fn ack(&self, tag: DeliveryTag) -> Result<bool, AmqpError> {
        self.settle(tag, "acknowledging", |channel, number| async move {
            channel
                .basic_ack(number, BasicAckOptions { multiple: false })
                .await
        })
        .await
    }

    /// Gives this delivery back to the queue. By `nack`, which 4.3 does not count towards the delivery limit: a requeue is
    /// our decision to wait, not the message's failure.
    pub async fn requeue(&self, tag: DeliveryTag) -> Result<bool, AmqpError> {
        self.settle(tag, "requeueing", |channel, number| async move {
            channel
                .basic_nack(
                    number,
                    BasicNackOptions {
                        multiple: false,
                        requeue: true,
                    },
                )
                .await
        })
        .await
    }

    /// Stops consuming and waits for the broker to know; what is unsettled goes back to the queue.
    pub async fn close(self) -> Result<(), AmqpError> {
        self.inbox.close().await
    }

    async fn settle<W: Future<Output = lapin::Result<()>>>(
        &self,
        tag: DeliveryTag,
        operation: &'static str,
        write: impl FnOnce(Channel, u64) -> W,
    ) -> Result<bool, AmqpError> {
        let channel = &self.inbox.channel;
        if tag.subscription != self.id || self.inbox.connection.is_over() || !channel.status().connected() {
            return Ok(false);
        }
        self.inbox
            .connection
            .run(operation, write(channel.clone(), tag.number))
            .await
            .map(|()| true)
    }

    fn delivery(&self, delivery: lapin::message::Delivery) -> Delivery {
        Delivery {
            tag: DeliveryTag {
                subscription: self.id,
                number: delivery.delivery_tag,
            },
            delivery_count: delivery_count(delivery.properties.headers().as_ref()),
            redelivered: delivery.redelivered,
            payload: delivery.data,
        }
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription")
            .field("connection", &self.inbox.connection)
            .finish_non_exhaustive()
    }
}

/// A consumer and its channel, which live and die together.
pub(super) struct Inbox {
    channel: Channel,
    consumer: Consumer,
    connection: Arc<Connection>,
}

impl Inbox {
    pub(super) async fn open(
        connection: &Arc<Connection>,
        channel: Channel,
        queue: &str,
        consumer_tag: &str,
        options: BasicConsumeOptions,
    ) -> Result<Self, AmqpError> {
        let queue = short("queue name", queue)?;
        let tag = short("consumer tag", consumer_tag)?;
        let consuming = channel.basic_consume(queue, tag, options, FieldTable::default());
        let consumer = connection.run("starting a consumer", consuming).await?;
        Ok(Self {
            channel,
            consumer,
            connection: Arc::clone(connection),
        })
    }

    /// Cancel-safe: a message leaves lapin's buffer only in the poll that returns it.
    ///
    /// An error of the channel (ack timeout, queue deleted) is one item of lapin's stream; the end of the connection is
    /// declared here, so that no caller can go on waiting on a consumer the broker has forgotten.
    pub(super) async fn next(&mut self) -> Option<lapin::message::Delivery> {
        let item = tokio::select! {
            biased;
            _ = self.connection.ended() => return None,
            item = self.consumer.next() => item,
        };
        match item {
            Some(Ok(delivery)) => Some(delivery),
            Some(Err(error)) => {
                self.connection
                    .fail(format!("a consumer failed: {}", chain(&error)));
                None
            }
            None => {
                self.connection.fail("the broker cancelled a consumer");
                None
            }
        }
    }

    async fn close(self) -> Result<(), AmqpError> {
        self.connection
            .run(
                "closing a consumer's channel",
                self.channel.close(200, "done consuming".into()),
            )
            .await
    }
}

/// Closes the channel. lapin would send `basic.cancel` for a dropped consumer, and 3.10.8 can answer a cancel followed by a
/// new consumer with a channel error (rabbitmq-server #5927). The first poll of a close sends it; nobody waits for the
/// answer.
impl Drop for Inbox {
    fn drop(&mut self) {
        if self.channel.status().connected() {
            let close = pin!(self.channel.close(200, "done consuming".into()));
            drop(close.poll(&mut Context::from_waker(Waker::noop())));
        }
    }
}

/// `x-delivery-count`, which quorum queues add from the second delivery on.
fn delivery_count(headers: Option<&FieldTable>) -> u64 {
    let Some(value) = headers.and_then(|headers| headers.inner().get("x-delivery-count")) else {
        return 0;
    };
    match value {
        AMQPValue::ShortShortInt(n) => u64::try_from(*n).unwrap_or(0),
        AMQPValue::ShortShortUInt(n) => u64::from(*n),
        AMQPValue::ShortInt(n) => u64::try_from(*n).unwrap_or(0),
        AMQPValue::ShortUInt(n) => u64::from(*n),
        AMQPValue::LongInt(n) => u64::try_from(*n).unwrap_or(0),
        AMQPValue::LongUInt(n) => u64::from(*n),
        AMQPValue::LongLongInt(n) => u64::try_from(*n).unwrap_or(0),
        _ => 0,
    }
}

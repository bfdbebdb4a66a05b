//! What the bare broker does: a queue declared as the product's, and one confirmed message for each event. `commissary bench` measures
//! the product against it; no role uses it.

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};

use lapin::{
    BasicProperties, Channel, Confirmation, PublisherConfirm,
    options::{BasicPublishOptions, ConfirmSelectOptions, QueueDeleteOptions, QueuePurgeOptions},
};

use super::{AmqpError, Connection, Topology, error::short};

/// `delivery_mode` of a message that survives a restart of the broker.
const PERSISTENT: u8 = 2;

/// One channel with confirms into one queue, by nothing but the client library: what the product's own publisher adds to that is part of
/// what is measured against this.
#[derive(Debug)]
pub struct FloorChannel {
    channel: Channel,
    queue: String,
    payload: Vec<u8>,
}

impl FloorChannel {
    /// For messages of so many bytes into the events queue of the connection's `topology`.
    ///
    /// # Errors
    /// When the broker does not answer.
    pub async fn open(
        connection: &Arc<Connection>,
        topology: &Topology,
        message_bytes: usize,
    ) -> Result<Self, AmqpError> {
        let channel = connection.open_channel().await?;
        let confirms = channel.confirm_select(ConfirmSelectOptions::default());
        connection.run("asking for confirms", confirms).await?;
        Ok(Self {
            channel,
            queue: topology.events(),
            payload: vec![b'x'; message_bytes],
        })
    }

    /// Messages that the broker confirms in a second, measured for `time` with at most `in_flight` of them unconfirmed.
    ///
    /// # Errors
    /// When the broker refuses one or goes away.
    pub async fn per_second(&self, in_flight: usize, time: Duration) -> Result<f64, AmqpError> {
        let started = Instant::now();
        let mut unconfirmed = VecDeque::with_capacity(in_flight);
        let mut confirmed: u32 = 0;
        while started.elapsed() < time {
            while unconfirmed.len() < in_flight {
                unconfirmed.push_back(self.publish().await?);
            }
            if let Some(oldest) = unconfirmed.pop_front() {
                settle(oldest).await?;
                confirmed += 1;
            }
        }
        for rest in unconfirmed {
            settle(rest).await?;
            confirmed += 1;
        }
        Ok(f64::from(confirmed) / started.elapsed().as_secs_f64())
    }

    /// How long each of `count` messages took that had the broker to itself.
    ///
    /// # Errors
    /// When the broker refuses one or goes away.
    pub async fn alone(&self, count: usize) -> Result<Vec<Duration>, AmqpError> {
        let mut times = Vec::with_capacity(count);
        for _ in 0..count {
            let started = Instant::now();
            settle(self.publish().await?).await?;
            times.push(started.elapsed());
        }
        Ok(times)
    }

    /// Throws away what was published.
    ///
    /// # Errors
    /// When the broker does not answer.
    pub async fn purge(&self) -> Result<(), AmqpError> {
        let queue = short("queue name", &self.queue)?;
        let purged = self
            .channel
            .queue_purge(queue, QueuePurgeOptions::default())
            .await;
        purged.map(drop).map_err(|source| failed("purging", source))
    }

    async fn publish(&self) -> Result<PublisherConfirm, AmqpError> {
        let queue = short("queue name", &self.queue)?;
        let properties = BasicProperties::default().with_delivery_mode(PERSISTENT);
        let options = BasicPublishOptions::default();
        let sent = self
            .channel
            .basic_publish("".into(), queue, options, &self.payload, properties);
        sent.await.map_err(|source| failed("publishing", source))
    }
}

async fn settle(confirm: PublisherConfirm) -> Result<(), AmqpError> {
    match confirm.await {
        Ok(Confirmation::Ack(_)) => Ok(()),
        Ok(_) => Err(AmqpError::Refused),
        Err(source) => Err(failed("publishing", source)),
    }
}

fn failed(operation: &'static str, source: lapin::Error) -> AmqpError {
    AmqpError::Channel {
        operation,
        source: Box::new(source),
    }
}

/// Deletes the queues of an installation that is over, with what is in them.
///
/// # Errors
/// When the broker does not answer.
pub async fn delete_queues(connection: &Arc<Connection>, topology: &Topology) -> Result<(), AmqpError> {
    let channel = connection.open_channel().await?;
    for queue in [topology.events(), topology.bulk(), topology.undeliverable()] {
        let queue = short("queue name", &queue)?;
        let deleted = channel.queue_delete(queue, QueueDeleteOptions::default());
        connection.run("deleting a queue", deleted).await?;
    }
    let exchange = short("exchange name", &topology.dead())?;
    let deleted = channel.exchange_delete(exchange, lapin::options::ExchangeDeleteOptions::default());
    connection.run("deleting an exchange", deleted).await
}

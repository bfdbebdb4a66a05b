//! The broker's side of a lane: its consumer, and batches of what is delivered. Acknowledged only after the commit.

use std::sync::Arc;

use common::{
    db::{self, DbError, spool},
    queue::amqp::{Broker, Connection, Delivery, DeliveryTag, Subscription},
    telemetry,
};

use super::{Lane, Next, PAUSE_MAX, barrier::Passing, log_newer};
use crate::batch::{Batch, NewerVersion};

/// Envelopes that a lane holds unacknowledged.
pub(super) const PREFETCH: u16 = 32;
/// Delivered this often before: something in the envelope may crash workers, so its events are applied one by one.
const SUSPECT_DELIVERIES: u64 = 2;

/// A subscription, and the connection on which it lives and ends.
pub(super) struct Consumer {
    pub(super) connection: Arc<Connection>,
    pub(super) subscription: Subscription,
    /// Names it among all consumers that there are (see [`common::db::barriers`]).
    pub(super) id: i64,
    /// The barrier that it is passing.
    pub(super) passing: Option<Passing>,
}

/// What was delivered, up to a batch.
#[derive(Default)]
struct Taken {
    batch: Batch,
    /// The last delivery of the batch.
    last: Option<DeliveryTag>,
    /// A delivery after it that only a newer worker can read.
    newer: Option<(DeliveryTag, NewerVersion)>,
    one_by_one: bool,
    envelopes: usize,
}

/// The next delivery, or that the broker has come or gone.
pub(super) async fn next(consumer: Option<&mut Consumer>, broker: Option<&Broker>) -> Next {
    if let Some(consumer) = consumer {
        let delivery = consumer.subscription.next().await;
        return delivery.map_or(Next::Reconnect, Next::Broker);
    }
    match broker {
        Some(broker) if broker.consume.up().await.is_some() => Next::Reconnect,
        // There is none, or its connections have ended.
        _ => std::future::pending().await,
    }
}

impl Consumer {
    /// Takes all that is here, up to a batch.
    fn take(&mut self, first: Delivery) -> Taken {
        let mut taken = Taken::default();
        let mut next = Some(first);
        while let Some(delivery) = next.take() {
            taken.envelopes += 1;
            taken.one_by_one = delivery.delivery_count >= SUSPECT_DELIVERIES;
            if let Err(newer) = taken.batch.add(delivery.payload) {
                taken.newer = Some((delivery.tag, newer));
                break;
            }
            taken.last = Some(delivery.tag);
            if taken.one_by_one || !taken.batch.has_room() {
                break;
            }
            next = self.subscription.ready();
        }
        taken
    }

    async fn acknowledge(&self, last: DeliveryTag) {
        match self.subscription.ack_through(last).await {
            Ok(true) => {}
            // It comes again, and every event is then known.
            Ok(false) => {
                tracing::info!("an acknowledgement came too late; the batch will be delivered again");
            }
            Err(error) => self.connection.fail(telemetry::chain(&error)),
        }
    }
}

impl Lane {
    /// Whether there is a broker to consume from, and nothing that does.
    pub(super) fn may_connect(&self) -> bool {
        let is_consuming = self
            .consumer
            .as_ref()
            .is_some_and(|consumer| !consumer.connection.is_over());
        let broker = self.worker.broker.as_ref();
        !is_consuming && broker.is_some_and(|broker| broker.consume.current().is_some())
    }

    /// Subscribes, if the broker is there now.
    pub(super) async fn connect(&mut self) {
        self.consumer = None;
        let Some(broker) = &self.worker.broker else { return };
        let Some(connection) = broker.consume.current() else {
            return;
        };
        let tag = format!("worker-{}-{}", std::process::id(), self.number);
        match Subscription::open(&connection, &broker.topology.events(), PREFETCH, &tag).await {
            Ok(subscription) => {
                self.consumer = Some(Consumer {
                    connection,
                    subscription,
                    id: rand::random(),
                    passing: None,
                });
            }
            Err(error) => connection.fail(format!(
                "the consumer could not start: {}",
                telemetry::chain(&error)
            )),
        }
    }

    pub(super) async fn disconnect(&mut self) {
        if let Some(consumer) = self.consumer.take()
            && let Err(error) = consumer.subscription.close().await
        {
            tracing::debug!(error = %telemetry::chain(&error), "closing the consumer");
        }
    }

    /// A delivery that is here already.
    pub(super) fn ready(&mut self) -> Option<Delivery> {
        let consumer = self.consumer.as_mut()?;
        let ready = consumer.subscription.ready();
        if let (None, Some(passing)) = (&ready, &mut consumer.passing) {
            passing.drained();
        }
        ready
    }

    /// Applies and acknowledges what has been delivered, beginning with `first`.
    pub(super) async fn broker_batch(&mut self, first: Delivery) {
        let Some(mut consumer) = self.consumer.take() else {
            return;
        };
        let taken = consumer.take(first);
        if self.settle("broker", &taken.batch, taken.one_by_one).await {
            if let Some(last) = taken.last {
                consumer.acknowledge(last).await;
            }
            if let Some((tag, newer)) = taken.newer {
                self.leave_to_newer(&mut consumer, tag, &newer).await;
            }
            if let Some(passing) = &mut consumer.passing {
                passing.applied(taken.envelopes);
            }
        }
        self.consumer = Some(consumer);
    }

    /// Workers deploy first. Until a newer one comes the envelope waits in the spool: the broker would count how often it
    /// is given back, and give it up in the end.
    async fn leave_to_newer(&self, consumer: &mut Consumer, tag: DeliveryTag, newer: &NewerVersion) {
        log_newer(newer);
        let settled = match self.spool(&newer.payload).await {
            Ok(()) => consumer.subscription.ack(tag).await,
            Err(error) => {
                tracing::warn!(error = %telemetry::chain(&error), "the envelope cannot be kept in the spool now");
                // It is on its way again, behind the barrier.
                consumer.passing = None;
                consumer.subscription.requeue(tag).await
            }
        };
        if let Err(error) = settled {
            consumer.connection.fail(telemetry::chain(&error));
        }
        self.pause(PAUSE_MAX).await;
    }

    async fn spool(&self, payload: &[u8]) -> Result<(), DbError> {
        db::in_transaction(&self.worker.pool, async |transaction| {
            spool::keep_for_newer(transaction, payload).await
        })
        .await
    }
}

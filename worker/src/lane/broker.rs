//! The broker's side of a lane: batches of what is delivered, acknowledged only after the commit.

use common::{
    db::{self, DbError, spool},
    queue::amqp::{Broker, Delivery, DeliveryTag, Subscription},
    telemetry,
};

use super::{
    consumer::{Consumer, PREFETCH},
    state::{Lane, PAUSE_MAX, log_newer},
};
use crate::batch::NewerVersion;

/// The next delivery. `None`: the broker has come or gone.
pub(super) async fn next(consumer: Option<&mut Consumer>, broker: Option<&Broker>) -> Option<Delivery> {
    if let Some(consumer) = consumer {
        return consumer.subscription.next().await;
    }
    match broker {
        Some(broker) if broker.consume.up().await.is_some() => None,
        // There is none, or its connections have ended.
        _ => std::future::pending().await,
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
            spool::keep_for_newer(transaction, payload, None).await
        })
        .await
    }
}

//! The broker's side of a lane: batches of what is delivered, acknowledged only after the commit.

use common::{
    db::{
        self,
        spool::{self, Aside},
    },
    queue::amqp::{Broker, Delivery, DeliveryTag, Subscription},
    telemetry,
};

use super::{
    consumer::{Consumer, PREFETCH},
    state::{BROKER, Lane, PAUSE_MAX},
};
use crate::crash_guard::Care;

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
        self.worker.progress.consumes(self.id(), false);
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
                self.worker.progress.consumes(self.id(), true);
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
        // First what may have crashed others: if the rest crashes this process it is not delivered once more.
        let is_settled = self.put_aside(&consumer, taken.aside).await
            && (taken.batch.is_empty() || self.settle(BROKER, &taken.batch, Care::Plain).await);
        if is_settled {
            if let Some(last) = taken.last {
                consumer.acknowledge(last).await;
            }
            if let Some(passing) = &mut consumer.passing {
                passing.applied(taken.envelopes);
            }
        }
        self.consumer = Some(consumer);
    }

    /// Moves envelopes to the spool. The broker would count how often it delivers them, and give them up in the end, whatever is in
    /// them. `false`: stopped before.
    async fn put_aside(&self, consumer: &Consumer, aside: Vec<(DeliveryTag, Aside)>) -> bool {
        if aside.is_empty() {
            return true;
        }
        let (tags, aside): (Vec<DeliveryTag>, Vec<Aside>) = aside.into_iter().unzip();
        loop {
            let put = db::in_transaction(&self.worker.pool, async |transaction| {
                spool::put_aside(transaction, &aside).await
            });
            let Err(error) = put.await else { break };
            tracing::warn!(error = %telemetry::chain(&error), "envelopes cannot be moved to the spool now; they wait");
            self.pause(PAUSE_MAX).await;
            if self.stop.is_cancelled() {
                return false;
            }
        }
        for tag in tags {
            if let Err(error) = consumer.subscription.ack(tag).await {
                // It comes again, and its events are then known.
                consumer.connection.fail(telemetry::chain(&error));
                break;
            }
        }
        true
    }
}

//! A lane's consumer of the broker's queue: what it is delivered, up to a batch.

use std::sync::Arc;

use common::{
    db::spool::Aside,
    queue::amqp::{Connection, Delivery, DeliveryTag, Subscription},
    telemetry,
};

use super::passing::Passing;
use crate::{batch::Batch, newer};

/// Envelopes that a lane holds unacknowledged.
pub(super) const PREFETCH: u16 = 32;

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
pub(super) struct Taken {
    pub(super) batch: Batch,
    /// The last delivery of the batch.
    pub(super) last: Option<DeliveryTag>,
    /// What goes to the spool instead: a later version than this worker's, and what was delivered before to a process that ended,
    /// or that gave it back. There nobody counts how often, and it is applied with care.
    pub(super) aside: Vec<(DeliveryTag, Aside)>,
    pub(super) envelopes: usize,
}

impl Taken {
    fn add(&mut self, delivery: Delivery) {
        // Brokers before 4.0 tell only that it was delivered before, or only how often.
        if delivery.redelivered || delivery.delivery_count > 0 {
            let aside = Aside {
                envelope: delivery.payload,
                version: None,
            };
            self.aside.push((delivery.tag, aside));
            return;
        }
        match self.batch.add(delivery.payload) {
            Ok(()) => self.last = Some(delivery.tag),
            Err(newer) => {
                newer::tell(&newer);
                let aside = Aside {
                    envelope: newer.payload,
                    version: Some(newer.version),
                };
                self.aside.push((delivery.tag, aside));
            }
        }
    }
}

impl Consumer {
    /// Takes all that is here, up to a batch.
    pub(super) fn take(&mut self, first: Delivery) -> Taken {
        let mut taken = Taken::default();
        let mut next = Some(first);
        while let Some(delivery) = next.take() {
            taken.envelopes += 1;
            taken.add(delivery);
            if !taken.batch.has_room() {
                break;
            }
            next = self.subscription.ready();
        }
        taken
    }

    pub(super) async fn acknowledge(&self, last: DeliveryTag) {
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

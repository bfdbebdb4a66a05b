//! A lane's consumer of the broker's queue: what it is delivered, up to a batch.

use std::sync::Arc;

use common::{
    queue::amqp::{Connection, Delivery, DeliveryTag, Subscription},
    telemetry,
};

use super::passing::Passing;
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
pub(super) struct Taken {
    pub(super) batch: Batch,
    /// The last delivery of the batch.
    pub(super) last: Option<DeliveryTag>,
    /// A delivery after it that only a newer worker can read.
    pub(super) newer: Option<(DeliveryTag, NewerVersion)>,
    pub(super) one_by_one: bool,
    pub(super) envelopes: usize,
}

impl Consumer {
    /// Takes all that is here, up to a batch.
    pub(super) fn take(&mut self, first: Delivery) -> Taken {
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

//! Moves bulk from the broker's queue into the spool, where the organisations take turns: in a queue a small one's batch would wait
//! for all that a large one has put before it. Nothing is applied here, so nothing in an envelope can stop it.

use std::{sync::Arc, time::Duration};

use common::{
    db::{self, DbError, barriers, spool_bulk},
    message::Envelope,
    queue::amqp::{AmqpError, Broker, Connection, Delivery, Subscription},
    telemetry,
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::Worker;

/// Envelopes that the broker delivers before they are in the spool.
const PREFETCH: u16 = 32;
/// Envelopes moved in one transaction.
const AT_ONCE: usize = 16;
const FAILURE_PAUSE: Duration = Duration::from_secs(1);

/// Moves until `stop`.
pub(crate) async fn run(
    worker: Worker,
    broker: Broker,
    barriers: watch::Receiver<i64>,
    stop: CancellationToken,
) {
    while let Some(Some(connection)) = stop.run_until_cancelled(broker.consume.up()).await {
        let queue = broker.topology.bulk();
        let tag = format!("worker-{}-bulk", std::process::id());
        match Subscription::open(&connection, &queue, PREFETCH, &tag).await {
            Ok(subscription) => {
                let mut mover = Mover {
                    worker: &worker,
                    connection: &connection,
                    subscription,
                    id: rand::random(),
                    barriers: barriers.clone(),
                    stop: &stop,
                };
                if let Err(error) = mover.run().await {
                    connection.fail(telemetry::chain(&error));
                }
                mover.subscription.close().await.ok();
            }
            Err(error) => connection.fail(format!(
                "the consumer of bulk could not start: {}",
                telemetry::chain(&error)
            )),
        }
    }
}

struct Mover<'a> {
    worker: &'a Worker,
    connection: &'a Arc<Connection>,
    subscription: Subscription,
    /// Names it among all consumers that there are (see [`common::db::barriers`]).
    id: i64,
    barriers: watch::Receiver<i64>,
    stop: &'a CancellationToken,
}

impl Mover<'_> {
    /// Until the stop, or until the connection is over.
    async fn run(&mut self) -> Result<(), AmqpError> {
        loop {
            tokio::select! {
                biased;
                () = self.stop.cancelled() => return Ok(()),
                called = self.barriers.changed() => match called {
                    Ok(()) => self.pass().await?,
                    // Nobody is left to call: the process ends.
                    Err(_closed) => return Ok(()),
                },
                delivery = self.subscription.next() => match delivery {
                    Some(first) => {
                        self.move_from(first).await?;
                    }
                    None => return Ok(()),
                },
            }
        }
    }

    /// Moves what is here, beginning with `first`, and acknowledges it. Returns how many; none when stopped before.
    async fn move_from(&mut self, first: Delivery) -> Result<usize, AmqpError> {
        let mut last = first.tag;
        let (mut orgs, mut envelopes) = (vec![Envelope::bulk_of(&first.payload)], vec![first.payload]);
        while envelopes.len() < AT_ONCE
            && let Some(delivery) = self.subscription.ready()
        {
            last = delivery.tag;
            orgs.push(Envelope::bulk_of(&delivery.payload));
            envelopes.push(delivery.payload);
        }
        while let Err(error) = self.put(&orgs, &envelopes).await {
            tracing::warn!(error = %telemetry::chain(&error), "bulk cannot be moved into the spool; it waits at the broker");
            let pause = tokio::time::sleep(FAILURE_PAUSE);
            if self.stop.run_until_cancelled(pause).await.is_none() || self.connection.is_over() {
                return Ok(0);
            }
        }
        // What comes again because this came too late is known by its events.
        self.subscription.ack_through(last).await?;
        Ok(envelopes.len())
    }

    async fn put(&self, orgs: &[i64], envelopes: &[Vec<u8>]) -> Result<(), DbError> {
        db::in_transaction(&self.worker.pool, async |transaction| {
            spool_bulk::put(transaction, orgs, envelopes).await
        })
        .await
    }

    /// Passes the barrier that was called: all that had been delivered is in the spool, or applied.
    async fn pass(&mut self) -> Result<(), AmqpError> {
        let number = *self.barriers.borrow_and_update();
        self.subscription.sync().await?;
        let mut moved = 0;
        while moved < usize::from(PREFETCH)
            && let Some(first) = self.subscription.ready()
        {
            match self.move_from(first).await? {
                0 => return Ok(()),
                more => moved += more,
            }
        }
        let id = self.id;
        let passed = db::in_transaction(&self.worker.pool, async |connection| {
            barriers::pass(connection, id, number).await
        });
        if let Err(error) = passed.await {
            tracing::debug!(error = %telemetry::chain(&error), number, "passing a barrier");
        }
        Ok(())
    }
}

//! Drains what the broker gave up on (delivered too often) into the spool. Its queue at the broker is called
//! `commissary.undeliverable`. Workers move what is delivered once more before the broker counts that far: what comes here was given
//! back by other programs, or by workers that ended before they could take it.

use std::{sync::Arc, time::Duration};

use common::{
    db::{
        self, DbError,
        spool::{self, Aside},
    },
    queue::amqp::{AmqpError, Broker, Connection, Subscription},
    telemetry,
};

use crate::Worker;

/// They are rare.
const PREFETCH: u16 = 4;
/// Before a message is tried again that could not be recorded.
const FAILURE_PAUSE: Duration = Duration::from_secs(1);

/// Drains the queue on whatever connection there is, until the connections end.
pub(crate) async fn run(worker: Worker, broker: Broker) {
    while let Some(connection) = broker.consume.up().await {
        if let Err(error) = drain(&worker, &broker, &connection).await {
            connection.fail(telemetry::chain(&error));
        }
    }
}

/// Drains the queue until the connection is over.
async fn drain(worker: &Worker, broker: &Broker, connection: &Arc<Connection>) -> Result<(), AmqpError> {
    let (queue, tag) = (
        broker.topology.undeliverable(),
        format!("undeliverable-{}", std::process::id()),
    );
    let mut subscription = Subscription::open(connection, &queue, PREFETCH, &tag).await?;
    while let Some(delivery) = subscription.next().await {
        match put_aside(worker, delivery.payload).await {
            Ok(()) => {
                subscription.ack(delivery.tag).await?;
            }
            Err(error) => {
                tracing::warn!(error = %telemetry::chain(&error), "an undeliverable message waits");
                subscription.requeue(delivery.tag).await?;
                tokio::time::sleep(FAILURE_PAUSE).await;
            }
        }
    }
    Ok(())
}

/// Something in it may have ended workers again and again, and all else in it is innocent: it goes to the spool, where it is applied
/// with care. So does what cannot be read: whoever takes it from there knows what to do.
async fn put_aside(worker: &Worker, envelope: Vec<u8>) -> Result<(), DbError> {
    let aside = Aside {
        envelope,
        version: None,
    };
    db::in_transaction(&worker.pool, async |transaction| {
        spool::put_aside(transaction, std::slice::from_ref(&aside)).await
    })
    .await
}

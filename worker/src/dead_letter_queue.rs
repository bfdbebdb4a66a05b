//! Drains what the broker gave up on (delivered too often) into dead-letter records. Its queue at the broker is called
//! `commissary.undeliverable`.

use std::{collections::HashSet, sync::Arc, time::Duration};

use common::{
    db::{self, DbError, dead_letters::Failure, events, spool},
    domain::EventId,
    message::{DecodeError, Envelope},
    queue::amqp::{AmqpError, Broker, Connection, Subscription},
    telemetry,
};

use crate::{Worker, batch::Batch, dead_letter};

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
        match dead_letter(worker, delivery.payload).await {
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

/// Events of the envelope that have no row were never applied: whatever crashed the workers is among them.
async fn dead_letter(worker: &Worker, payload: Vec<u8>) -> Result<(), DbError> {
    let envelope = match Envelope::decode(&payload) {
        Ok(envelope) => envelope,
        // Nothing is wrong with it, and this queue counts no deliveries: it waits in the spool for a newer worker.
        Err(DecodeError::NewerVersion(_)) => {
            let spooled = db::in_transaction(&worker.pool, async |transaction| {
                spool::put(transaction, &payload).await
            });
            return spooled.await;
        }
        Err(DecodeError::Malformed(_)) => {
            let mut batch = Batch::default();
            let detail = "the broker gave up on a message that this worker cannot read";
            let failure = Failure::new("undecodable", detail, "undecodable");
            batch.undecodable.push((payload, failure));
            return batch.record_undecodable(&worker.pool, &worker.clock).await;
        }
    };
    let ids: Vec<EventId> = envelope.events.iter().map(|event| event.id).collect();
    let known = db::in_transaction(&worker.pool, async |transaction| {
        events::known(transaction, &ids).await
    });
    let known: HashSet<EventId> = known.await?.into_iter().map(|(id, _)| id).collect();
    let failure = Failure::new(
        "crash_loop",
        "the broker gave it up after too many deliveries: workers crashed or were killed while applying it",
        "crash_loop",
    );
    for event in envelope.events.iter().filter(|event| !known.contains(&event.id)) {
        dead_letter::event(&worker.pool, &worker.clock, event, &failure).await?;
    }
    Ok(())
}

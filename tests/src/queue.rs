//! Putting hand-made envelopes into a queue, past the ingest.

use common::{
    queue::amqp::{AmqpUrl, Confirm, ConfirmChannel, ConnectionManager, DRAIN_TIMEOUT, Topology},
    runtime::{Supervisor, TaskGroup},
};

use crate::psql::Database;

/// Publishes bytes as an ingest would. Several may publish at once.
#[derive(Debug)]
pub enum Publisher {
    Rabbit {
        channel: ConfirmChannel,
        queue: String,
        sent: u64,
        tasks: TaskGroup,
    },
    Spool(Database),
}

impl Publisher {
    /// For the broker's queue under `prefix`.
    pub async fn rabbit(url: &str, prefix: &str) -> Self {
        let url: AmqpUrl = url.parse().expect("an AMQP URL");
        let topology = Topology::new(prefix);
        let tasks = Supervisor::new().group("connections", DRAIN_TIMEOUT);
        let queue = topology.events();
        let manager = ConnectionManager::start(url, "tests", topology, &tasks);
        let connection = manager.up().await.expect("the broker is up");
        let channel = ConfirmChannel::open(&connection).await.expect("a channel");
        Self::Rabbit {
            channel,
            queue,
            sent: 0,
            tasks,
        }
    }

    /// The same for another queue.
    #[must_use]
    pub(crate) fn into_queue(mut self, name: &str) -> Self {
        if let Self::Rabbit { queue, .. } = &mut self {
            name.clone_into(queue);
        }
        self
    }

    /// For the spool of a database.
    pub fn spool(database: &Database) -> Self {
        Self::Spool(database.clone())
    }

    /// Each payload becomes a message of its own, in this order; done when all of them are durable.
    pub async fn publish(&mut self, payloads: &[Vec<u8>]) {
        match self {
            Self::Rabbit {
                channel, queue, sent, ..
            } => {
                let mut pending = Vec::new();
                for payload in payloads {
                    *sent += 1;
                    let confirm = channel.publish(queue, &format!("test-{sent}"), payload.clone());
                    pending.push(confirm.expect("the broker takes it"));
                }
                for confirm in pending {
                    assert_eq!(confirm.await, Confirm::Acked);
                }
            }
            Self::Spool(database) => {
                let statement = |payload: &Vec<u8>| {
                    format!(
                        "INSERT INTO spool (envelope) VALUES (decode('{}', 'hex'));",
                        hex(payload)
                    )
                };
                let mut session = database.session();
                let statements: String = payloads.iter().map(statement).collect();
                session.run(&statements).await;
                session.run("NOTIFY commissary_spool").await;
            }
        }
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        if let Self::Rabbit { tasks, .. } = self {
            tasks.stop().cancel();
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

//! The queues of this project and how they are declared. Ingest, worker, doctor and tests all use this one description.

use std::time::Duration;

use lapin::options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{Channel, ExchangeKind};
use tokio::time::timeout;

use super::connection::OPERATION_DEADLINE;
use super::error::{reply_text, short};
use super::{AmqpError, Connection};

/// The prefix of a production deployment; another one makes a second, separate set of queues on the same broker.
const DEFAULT_PREFIX: &str = "commissary";
/// Deliveries that end without an ack before the broker takes a message for poison. Explicit, because brokers before 4.0
/// have no limit by default, and without one 3.10 puts a requeued message at the BACK of the queue.
const DELIVERY_LIMIT: i32 = 20;
/// The undeliverable queue must never drop: it has no dead-letter exchange of its own. 3.10 refuses "-1 = unlimited".
const NO_DELIVERY_LIMIT: i32 = i32::MAX;
/// When a queue holds this many bytes, publishes are refused (and the publisher spools) instead of filling the disk.
const MAX_QUEUE_BYTES: i64 = 8 * 1024 * 1024 * 1024;
/// The reply code of a declaration that differs from what is there.
const PRECONDITION_FAILED: u16 = 406;

/// The names and settings of one set of queues.
#[derive(Clone, Debug)]
pub struct Topology {
    prefix: String,
    expires: Option<Duration>,
}

impl Default for Topology {
    fn default() -> Self {
        Self::new(DEFAULT_PREFIX)
    }
}

impl Topology {
    pub fn new(prefix: &str) -> Self {
        Self {
            prefix: prefix.to_owned(),
            expires: None,
        }
    }

    /// Queues that delete themselves when unused for so long: for tests, never for production.
    #[must_use]
    pub fn expiring_after(mut self, unused: Duration) -> Self {
        self.expires = Some(unused);
        self
    }

    /// The queue that workers consume.
    pub fn events(&self) -> String {
        format!("{}.events", self.prefix)
    }

    /// The queue of what exceeds an organisation's share, with the same settings; workers move it into the spool, where
    /// organisations take turns.
    pub fn bulk(&self) -> String {
        format!("{}.bulk", self.prefix)
    }

    /// What the broker gave up delivering; workers drain it into Postgres.
    pub fn undeliverable(&self) -> String {
        format!("{}.undeliverable", self.prefix)
    }

    /// The exchange between them.
    pub fn dead(&self) -> String {
        format!("{}.dead", self.prefix)
    }

    /// Declares everything; done at each connection, so a queue deleted by hand is back with the next connection. The
    /// channel has a purpose of its own, since the broker closes it at the first refusal.
    pub(super) async fn declare(&self, connection: &Connection) -> Result<(), AmqpError> {
        let channel = connection.open_channel().await?;
        self.declare_on(&channel).await?;
        connection
            .run("closing a channel", channel.close(200, "declared".into()))
            .await
    }

    async fn declare_on(&self, channel: &Channel) -> Result<(), AmqpError> {
        let dead = short("exchange name", &self.dead())?;
        let undeliverable = short("queue name", &self.undeliverable())?;
        let exchange_options = ExchangeDeclareOptions {
            durable: true,
            // A test's exchange goes with its queues.
            auto_delete: self.expires.is_some(),
            ..ExchangeDeclareOptions::default()
        };
        answer(
            format!("exchange `{dead}`"),
            channel.exchange_declare(
                dead.clone(),
                ExchangeKind::Fanout,
                exchange_options,
                FieldTable::default(),
            ),
        )
        .await?;
        self.declare_queue(channel, &self.undeliverable(), self.undeliverable_arguments())
            .await?;
        answer(
            format!("binding of `{undeliverable}`"),
            channel.queue_bind(
                undeliverable,
                dead,
                "".into(),
                QueueBindOptions::default(),
                FieldTable::default(),
            ),
        )
        .await?;
        for queue in [self.events(), self.bulk()] {
            self.declare_queue(channel, &queue, self.events_arguments())
                .await?;
        }
        Ok(())
    }

    async fn declare_queue(
        &self,
        channel: &Channel,
        name: &str,
        arguments: FieldTable,
    ) -> Result<(), AmqpError> {
        let options = QueueDeclareOptions {
            durable: true,
            ..QueueDeclareOptions::default()
        };
        let declared = channel.queue_declare(short("queue name", name)?, options, arguments);
        answer(format!("queue `{name}`"), declared).await.map(|_queue| ())
    }

    /// At-least-once dead-lettering works with `reject-publish` only; with another overflow the broker silently falls back
    /// to at-most-once.
    fn events_arguments(&self) -> FieldTable {
        let mut arguments = self.common_arguments();
        arguments.insert("x-delivery-limit".into(), AMQPValue::LongInt(DELIVERY_LIMIT));
        arguments.insert(
            "x-dead-letter-exchange".into(),
            AMQPValue::LongString(self.dead().into()),
        );
        arguments.insert(
            "x-dead-letter-strategy".into(),
            AMQPValue::LongString("at-least-once".into()),
        );
        arguments
    }

    fn undeliverable_arguments(&self) -> FieldTable {
        let mut arguments = self.common_arguments();
        arguments.insert("x-delivery-limit".into(), AMQPValue::LongInt(NO_DELIVERY_LIMIT));
        arguments
    }

    fn common_arguments(&self) -> FieldTable {
        let mut arguments = FieldTable::default();
        arguments.insert("x-queue-type".into(), AMQPValue::LongString("quorum".into()));
        arguments.insert(
            "x-overflow".into(),
            AMQPValue::LongString("reject-publish".into()),
        );
        arguments.insert(
            "x-max-length-bytes".into(),
            AMQPValue::LongLongInt(MAX_QUEUE_BYTES),
        );
        if let Some(unused) = self.expires {
            let millis = i64::try_from(unused.as_millis()).unwrap_or(i64::MAX);
            arguments.insert("x-expires".into(), AMQPValue::LongLongInt(millis));
        }
        arguments
    }
}

/// Waits for one declaration and says in plain words what the broker holds against it.
async fn answer<T>(object: String, declared: impl Future<Output = lapin::Result<T>>) -> Result<T, AmqpError> {
    match timeout(OPERATION_DEADLINE, declared).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(match reply_text(&error, PRECONDITION_FAILED) {
            Some(detail) => AmqpError::Differs {
                object,
                detail: detail.to_owned(),
            },
            None => AmqpError::Declare {
                object,
                source: Box::new(error),
            },
        }),
        Err(_elapsed) => Err(AmqpError::Timeout {
            operation: "declaring the queues",
        }),
    }
}

//! RabbitMQ over bytes: connections that come back, confirmed publishing, consuming, replies.
//!
//! Nothing here knows of events or envelopes, and nothing outside may name lapin. Every deadline, limit and trap of
//! lapin 4.12 that this project depends on is in these files; the traps are explained where they are avoided.
//!
//! One rule carries the rest: a connection is a [`Connection`]. Whatever fails on it (the manager, a channel, a confirm that
//! does not come) ends the whole connection, and the [`ConnectionManager`] makes the next one. Nothing is repaired in place.

mod broker;
mod confirms;
mod connection;
mod connection_manager;
mod consume;
mod dial;
mod doctor;
mod error;
mod floor;
mod probe;
mod queue_probe;
mod replies;
mod tls;
mod topology;
mod url;

use crate::telemetry::chain;

pub use broker::{Broker, DRAIN_TIMEOUT};
pub use confirms::{Confirm, ConfirmChannel, PendingConfirm};
pub use connection::Connection;
pub use connection_manager::{ConnectionManager, ConnectionState};
pub use consume::{Delivery, DeliveryTag, Subscription};
pub use doctor::{BrokerReport, QueueReport, inspect};
pub use error::AmqpError;
pub use floor::{FloorChannel, delete_queues};
pub use queue_probe::{QueueDepth, QueueProbe};
pub use replies::{ReplyChannel, ReplyQueue};
pub use topology::Topology;
pub use url::AmqpUrl;

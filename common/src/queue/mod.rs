//! How events reach the workers and outcomes come back. RabbitMQ is in [`amqp`]; the Postgres spool is `db::spool`;
//! here is what both share: who waits for which outcome.

pub mod amqp;
mod pending_replies;

pub use pending_replies::{Instances, PendingReplies, PendingReply};

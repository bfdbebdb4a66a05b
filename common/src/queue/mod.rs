//! How events reach the workers and outcomes come back. RabbitMQ is in [`amqp`]; the Postgres spool is `db::spool`;
//! here is what both share: who waits for which outcome, and what is under way.

pub mod amqp;
mod pending_replies;
mod quota_places;

pub use pending_replies::{FORGET_UNDER_WAY, Instances, PendingReplies, PendingReply};
pub use quota_places::{QuotaPlace, QuotaPlaces};

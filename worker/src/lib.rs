//! The worker: takes events from the broker and the spool, applies them in batches, answers, and only then acknowledges.
//!
//! What must never live here: rules of money (they are in `common::domain`), SQL or AMQP (they are in `common`).

mod apply_batch;
mod barriers;
mod batch;
mod bulk_queue;
mod crash_guard;
mod dead_letter;
mod dead_letter_queue;
mod lane;
mod lane_calls;
pub mod maintenance;
mod newer;
mod outcomes;
mod pace;
mod progress;
mod queued_events;
mod queued_outcomes;
mod reply_publisher;
mod start;
mod worker;

pub use apply_batch::{BatchApplier, Paused};
pub use progress::{Progress, Seen};
pub use start::start;
pub use worker::{DEFAULT_LANES, DRAIN_TIMEOUT, Worker, connections};

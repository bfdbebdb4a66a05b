//! What travels between ingest and worker: envelopes of events, and replies of outcomes, as versioned JSON.
//!
//! JSON, so that an operator can read a message at night, and so that old and new code can read each other's.

mod envelope;
mod event_id;
#[cfg(test)]
mod fuzz_tests;
mod reply;
mod traffic_class;

pub use envelope::{DecodeError, ENVELOPE_VERSION, Envelope, MAX_ENVELOPE_BYTES, MAX_ENVELOPE_EVENTS};
pub use event_id::{EventIds, received_at};
pub use reply::{Reply, ReplyBatch};
pub use traffic_class::TrafficClass;

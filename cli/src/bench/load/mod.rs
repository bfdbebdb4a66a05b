//! The load: requests whose bytes are ready before, over connections that stay open, from one thread beside the product.
//!
//! It shares the machine with what it measures, so it does as little as it can, and tells what it took.

mod closed;
mod connection;
mod paced;
mod request;
mod send;
mod tally;
mod times;

pub(super) use closed::Closed;
pub(super) use paced::Paced;
pub(super) use request::{AFFILIATES, Dialect, Workload};
pub(super) use send::{Sent, Shape, send};
pub(super) use tally::{Latency, Tally};
pub(super) use times::Times;

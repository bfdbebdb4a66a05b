//! What every role needs to run: the clock, and the groups of configuration.

mod clock;
mod config;

pub use clock::Clock;
pub use config::{AmqpArgs, DbArgs};

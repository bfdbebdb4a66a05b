//! What every role needs to run: the clock, the groups of configuration, and the supervisor of its tasks.

mod clock;
mod config;
mod supervisor;

pub use clock::Clock;
pub use config::{AmqpArgs, DbArgs};
pub use supervisor::{DRAIN_TIMEOUT, Supervisor, TaskGroup, Unclean};

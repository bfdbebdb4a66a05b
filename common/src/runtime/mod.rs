//! What every role needs to run: the clock, the groups of configuration, the supervisor of its tasks, and what failures of
//! TLS mean.

mod clock;
mod config;
mod supervisor;
mod tls;

pub use clock::Clock;
pub use config::{AmqpArgs, DbArgs};
pub use supervisor::{DRAIN_TIMEOUT, Supervisor, TaskGroup, Unclean};
pub use tls::tls_advice;

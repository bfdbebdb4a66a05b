//! What every role needs to run: the clock, and the groups of configuration.

mod clock;
mod config;
mod cors;
mod serve;

pub use clock::Clock;
pub use config::{AmqpArgs, DbArgs, Secret};
pub use cors::cors;
pub use serve::{ServeError, serve};

//! What end-to-end tests stand on: real processes of the binary `commissary` on real servers.
//!
//! Everything here panics with a sentence when something is missing or does not happen in time. Waiting is always for a
//! condition, never for a time. Nothing here knows the product's tables better than a test that asks them by SQL, and
//! nothing here runs a role in the process of the test.

#![expect(
    clippy::disallowed_methods,
    reason = "what a test starts ends with its runtime"
)]
#![expect(
    clippy::expect_used,
    clippy::print_stderr,
    reason = "a test without what it stands on cannot go on, and says so where the harness captures it"
)]

mod backup;
mod busy;
mod certificates;
mod collector;
mod environment;
mod http;
mod load;
mod process;
mod proxy;
mod psql;
mod queue;
pub mod relay;
mod servers;
mod wait;
mod world;

pub use backup::BackedUp;
pub use busy::Busy;
pub use certificates::{Authority, Certificate};
pub use collector::{Collector, Exported};
pub use environment::{binary, commissary, required};
pub use http::{Answer, Shop};
pub use load::{Load, Sent};
pub use process::{Process, signal};
pub use proxy::{Proxy, free_port, of_deploy};
pub use psql::{Database, Session};
pub use queue::Publisher;
pub use servers::Servers;
pub use wait::{wait_for, wait_until};
pub use world::{Builder, Leftovers, Output, Queue, World, envelope};

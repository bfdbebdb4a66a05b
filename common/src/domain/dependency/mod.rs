//! What events name and may wait for: orders, customers, clicks and sessions that are not there yet. Whatever brings one has
//! the same name, and so the same lock.

mod key;
mod of_event;

pub use key::Dependency;
pub use of_event::{named, needed};

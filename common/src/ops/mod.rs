//! The operator's view of events: find, show, replay, discard, and import from files.
//!
//! Applied events are final: nothing here changes them. Whatever is changed leaves a row in `event_actions`. Called by the
//! command line alone: what decides or answers callers never reads from here.

mod actions;
mod filter;
mod fingerprint;
pub mod groups;
pub mod import;
mod list;
mod show;
#[cfg(test)]
mod tests;

pub use actions::{Counts, MAX_SELECTION, Selection, discard, replay, select};
pub use filter::{DUPLICATES, Filter};
pub use list::{EventSummary, changed_since, list};
pub use show::{Action, EventDetails, Failure, show};

//! Approving and disapproving many commissions: those that wait at one moment are chosen, and then decided some at a time, each
//! as an event of its own.

mod decide;
mod select;
#[cfg(test)]
mod tests;

pub use decide::{Decision, Progress, decide};
pub use select::{PendingFilter, Selection, select};

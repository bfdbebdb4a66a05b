//! The two lanes in which events wait for workers.

/// By which of them an event goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TrafficClass {
    /// What is within its organisation's share.
    Express,
    /// What exceeds it, and batches: applied with what express leaves, and no less than a quarter, by turns of the organisations.
    Bulk,
}

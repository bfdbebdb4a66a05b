//! The audit trail as people read it, and the proof that nobody changed it.

mod list;
#[cfg(test)]
mod tests;
mod verify;

pub use list::{AuditEntry, AuditFilter, list};
pub use verify::{AuditReport, Fault, FaultKind, Trail, count, verify};

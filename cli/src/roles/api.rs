//! The control plane of a process.

/// Connections of an api.
pub(crate) const CONNECTIONS: u32 = 10;

//! What commands about many rows at once have in common: on whose behalf they act, the programs and affiliates that filters name,
//! and applying events some at a time, again while others keep them from it.

mod attempts;
mod caller;
mod names;

pub(crate) use attempts::Attempts;
pub use caller::Caller;
pub use names::SelectError;
pub(crate) use names::named;

/// Events of one transaction: short locks, and what was interrupted goes on where it was.
pub const BATCH: usize = 500;

/// Rows that one selection holds, at most.
pub const MAX_SELECTION: u32 = 100_000;

//! What a report calls what became of a record.

pub(super) const INVALID: &str = "invalid";
pub(super) const REFUSED: &str = "refused";
/// Of a sale that was recorded before, with the same fields.
pub(super) const THERE: &str = "already_there";
/// Of a record that is an event, but for what was left out or cut of it.
pub(super) const WARNING: &str = "warning";

//! A record before its fields are understood.

use common::http::request::{Fields, Invalid};

#[derive(Debug)]
pub(super) struct RawRecord {
    /// On which it begins, and on which it ends.
    pub(super) line: u64,
    pub(super) last_line: u64,
    pub(super) fields: Result<Fields, Invalid>,
    /// As it stands in the file; cut if it is too long.
    pub(super) original: String,
}

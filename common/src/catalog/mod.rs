//! The catalog: organisations, keys, programs, rules, affiliates, as operators declare them in a TOML file and as shops change
//! them by REST. Nobody else writes it.
//!
//! `change` is one change by a request. `parse` checks a file and finds all of its mistakes, `sync` makes the database say what the file says, in one
//! transaction. `demo/catalog.toml` is both the demo world and the documentation of the format. Never here: reading
//! the catalog for deciding.

pub mod change;
mod check;
mod fields;
mod file;
mod parse;
pub mod password;
mod problem;
mod report;
mod versions;
mod write;

#[cfg(test)]
mod tests;

pub use file::CatalogFile;
pub use parse::{parse, parse_org};
pub use problem::{CatalogError, Problem};
pub use report::{Changes, SyncReport, Thing};
pub(crate) use write::suppose;
pub use write::{SyncError, SyncOptions, dry_run, sync, sync_as};

/// The demo world.
pub const DEMO: &str = include_str!("../../../demo/catalog.toml");

//! The catalog: organisations, keys, programs, rules, affiliates, as operators declare them in a TOML file and as shops change
//! them by REST. Nobody else writes it.
//!
//! `change` is one change by a request. `parse` checks a file by itself; `sync` lays it over what is known, finds the mistakes that
//! are left, and makes the database say what the file says, in one transaction; `export` prints what it says. `demo/catalog.toml` is both the demo world and the documentation of the format. Never here: reading
//! the catalog for deciding.

pub mod change;
mod check;
mod declared;
mod export;
mod fields;
mod file;
mod key_hash;
mod known;
mod layout;
mod overlay;
mod parse;
pub mod password;
mod problem;
mod report;
mod toml_text;
mod versions;
mod write;

#[cfg(test)]
mod export_tests;
#[cfg(test)]
mod fuzz_tests;
#[cfg(test)]
mod partial_tests;
#[cfg(test)]
mod tests;

pub use export::{ExportOptions, export};
pub use parse::{Declaration, parse, parse_org};
pub use problem::{CatalogError, Problem};
pub use report::{Changes, SyncReport, Thing};
pub(crate) use write::suppose;
pub use write::{SyncError, SyncOptions, dry_run, mistakes, sync, sync_as};

/// The demo world.
pub const DEMO: &str = include_str!("../../../demo/catalog.toml");

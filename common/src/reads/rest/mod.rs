//! What REST 1.6 reads: newest first, in pages, with all names, in one statement a page.
//!
//! A list is a file: a filter whose fields restrict what they name, a constant [`list::ListSql`], and `list` and `find`,
//! which hand the filter's conditions to it.

pub mod affiliates;
pub mod affiliations;
pub mod balances;
pub mod clicks;
pub mod commissions;
pub mod conversions;
pub mod customers;
pub mod list;
pub mod payments;
pub(super) mod rows;

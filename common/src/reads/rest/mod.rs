//! What REST 1.6 reads: newest first, in pages, with all names, in one statement a page.
//!
//! A list is a file: a filter whose fields restrict what they name, a constant [`list::ListSql`], and `list` and `find`,
//! which hand the filter's conditions to it.

pub mod affiliate_groups;
pub mod affiliate_ids;
pub mod affiliates;
pub mod affiliations;
pub mod balances;
pub mod clicks;
pub mod commissions;
pub mod conversions;
pub mod custom_fields;
pub mod customers;
pub mod list;
pub mod notes;
pub mod page;
pub mod payments;
pub mod payout_methods;
pub mod program_rules;
pub mod programs;
pub mod prospects;
pub(super) mod rows;

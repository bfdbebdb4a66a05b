//! Our own calls: receipts, why an order paid what it paid, decisions about many commissions, the audit trail, what was turned
//! away, keys, and the catalog.

pub(crate) mod audit;
pub(crate) mod catalog;
pub(crate) mod commissions;
pub(crate) mod explain;
pub(crate) mod keys;
mod moment;
pub(crate) mod receipts;
#[cfg(test)]
mod receipts_tests;
pub(crate) mod rejections;

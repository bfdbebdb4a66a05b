//! Our own calls: receipts, why an order paid what it paid, decisions about many commissions, the audit trail, and keys.

pub(crate) mod audit;
pub(crate) mod commissions;
pub(crate) mod explain;
pub(crate) mod keys;
pub(crate) mod receipts;
#[cfg(test)]
mod receipts_tests;

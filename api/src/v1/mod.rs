//! Our own calls: receipts, why an order paid what it paid, and decisions about many commissions.

pub(crate) mod commissions;
pub(crate) mod explain;
pub(crate) mod receipts;
#[cfg(test)]
mod receipts_tests;

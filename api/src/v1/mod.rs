//! Our own calls: receipts, and why an order paid what it paid.

pub(crate) mod explain;
pub(crate) mod receipts;
#[cfg(test)]
mod receipts_tests;

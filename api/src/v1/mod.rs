//! Our own calls: receipts, why an order paid what it paid, decisions about many commissions, the audit trail, and keys.

pub(crate) mod audit;
pub(crate) mod commissions;
pub(crate) mod explain;
pub(crate) mod keys;
pub(crate) mod receipts;
#[cfg(test)]
mod receipts_tests;

use common::db::keys::ApiKey;

use crate::Problem;

/// What belongs to the organisation as a whole is nothing for a key that is bound to a program.
fn whole_organisation(key: &ApiKey) -> Result<(), Problem> {
    match key.program {
        None => Ok(()),
        Some(_) => Err(Problem::forbidden("This API key is bound to a program")),
    }
}

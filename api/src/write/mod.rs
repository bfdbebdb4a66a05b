//! Requests that change something: read to their end, done in one transaction, and done to their end when the client hangs up.
//!
//! What touches money is an event ([`execute`]); what changes the catalog is a [`change`]. Both honour `Idempotency-Key` and
//! leave an entry in the audit trail in the transaction of the change itself.

mod call;
mod change;
mod execute;
mod secret;
#[cfg(test)]
mod tests;
mod to_its_end;

pub(crate) use call::Call;
pub(crate) use change::{Change, begin, finish};
pub(crate) use execute::{Done, execute};
pub(crate) use secret::not_stored;
pub(crate) use to_its_end::to_its_end;

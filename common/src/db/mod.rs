//! SQL, one file per aggregate. Functions take a connection or a transaction; the caller owns it.
//!
//! Only `apply` may call what writes conversions, commissions, customers, transfers and balances.

pub mod affiliations;
mod commissions;
pub mod conversions;
pub mod customers;
mod error;
pub mod events;
pub mod failures;
pub mod idempotency;
pub mod ids;
pub mod ledger;
pub mod locks;
pub mod notify;
pub mod partitions;
mod pool;
pub mod programs;
pub mod spool;

pub use commissions::write as write_commissions;
pub use error::{DbError, FailureClass};
pub use pool::{MIGRATOR, Pool, begin, commit, connect, migrate, rollback};

use crate::domain::MetaData;

/// A connection that is not in a transaction of its own, or one that is: the caller knows.
pub type Connection = sqlx::PgConnection;
/// A transaction of the caller.
pub type Transaction = sqlx::Transaction<'static, sqlx::Postgres>;

/// JSON as text, for arrays of it: Postgres parses it where it is stored.
fn text(meta_data: &MetaData) -> String {
    serde_json::to_string(meta_data).unwrap_or_else(|_never| "{}".to_owned())
}

/// A stored value that no version of this code wrote.
fn decode(operation: &'static str, error: impl ToString) -> DbError {
    DbError::new(operation, sqlx::Error::Decode(error.to_string().into()))
}

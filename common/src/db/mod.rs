//! SQL, one file per aggregate. Functions take a connection or a transaction; the caller owns it.
//!
//! Only `apply` may call what writes conversions, commissions, customers, transfers and balances.

pub mod affiliations;
pub mod affitor_read;
pub mod balances_read;
pub mod bonuses;
pub mod catalog;
pub mod clicks;
pub mod clicks_read;
mod commissions;
#[cfg(test)]
mod constraints;
pub mod conversions;
pub mod conversions_read;
pub mod customers;
mod decode;
pub mod doctor;
mod error;
pub mod events;
pub mod explain;
pub mod failures;
#[cfg(test)]
mod fixture;
mod id_range;
pub mod idempotency;
pub mod ids;
pub mod import;
pub mod keys;
pub mod ledger;
pub mod ledger_check;
pub mod located;
pub mod locks;
pub mod notify;
pub mod ops;
pub mod partitions;
pub mod payments;
mod pool;
pub mod programs;
pub mod receipts;
pub mod rest_read;
pub mod schedules;
pub mod settings;
pub mod spool;
pub mod statement;

pub use commissions::{lock_bonuses, write as write_commissions};
use decode::decode;
pub use error::{DbError, FailureClass};
pub use pool::{
    MIGRATOR, Pool, begin, begin_outer, commit, connect, forget_statements, limit_lock_waits, migrate, ping,
    rollback,
};

/// A connection that is not in a transaction of its own, or one that is: the caller knows.
pub type Connection = sqlx::PgConnection;
/// A transaction of the caller.
pub type Transaction = sqlx::Transaction<'static, sqlx::Postgres>;

/// JSON as text, for arrays of it: Postgres parses it where it is stored.
fn text(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap_or_else(|_never| "{}".to_owned())
}

//! SQL, one file per aggregate. Functions take a connection or a transaction; the caller owns it.
//!
//! Only `apply` may call what writes conversions, commissions, customers, transfers and balances.

pub mod affiliations;
pub mod barriers;
pub mod bonuses;
pub mod clicks;
mod columns;
mod commissions;
pub(crate) mod conditions;
#[cfg(test)]
mod constraints;
pub mod conversions;
pub mod customers;
pub mod dead_letters;
pub(crate) mod decode;
pub mod doctor;
mod error;
pub(crate) mod event_actions;
pub mod events;
#[cfg(test)]
pub(crate) mod fixture;
pub(crate) mod id_range;
pub mod idempotency;
pub mod ids;
pub mod keys;
pub mod ledger;
pub mod ledger_check;
pub mod locks;
pub mod notify;
pub mod org_lookup;
pub mod orgs;
pub mod parked_keys;
pub mod partitions;
pub mod payments;
pub(crate) mod pool;
pub mod programs;
pub mod refunds;
pub mod schedules;
pub mod settings;
pub mod spool;
pub mod suppliers;
mod types;

pub use commissions::{lock_bonuses, write as write_commissions};
pub(crate) use decode::decode;
pub use error::{DbError, FailureClass};
pub use pool::{
    MIGRATOR, Pool, begin, begin_outer, commit, connect, forget_statements, in_transaction, limit_lock_waits,
    migrate, ping, rollback,
};

/// A connection that is not in a transaction of its own, or one that is: the caller knows.
pub type Connection = sqlx::PgConnection;
/// A transaction of the caller.
pub type Transaction = sqlx::Transaction<'static, sqlx::Postgres>;

//! SQL, one file per aggregate. Functions take a connection or a transaction; the caller owns it.
//!
//! What writes conversions, commissions, customers, transfers, balances, payments and events is `pub(crate)`: only `apply` calls
//! it, and `ops` what changes events. tests/it/tidy holds that.

pub(crate) mod affiliations;
pub mod audit;
pub mod backlog;
pub mod barriers;
mod batch_session;
pub mod bonuses;
pub(crate) mod catalog_versions;
pub(crate) mod clicks;
mod columns;
pub(crate) mod commissions;
pub(crate) mod conditions;
#[cfg(test)]
mod constraints;
pub(crate) mod conversions;
mod copy;
pub mod crash_marks;
pub(crate) mod customer_programs;
#[cfg(test)]
mod customer_programs_tests;
pub(crate) mod customers;
pub mod dead_letters;
pub(crate) mod decode;
pub mod doctor;
mod error;
pub(crate) mod event_actions;
pub(crate) mod event_writes;
pub mod events;
#[cfg(test)]
pub(crate) mod fixture;
pub mod floor;
pub mod grants;
pub mod heartbeats;
pub(crate) mod id_range;
pub(crate) mod idempotency;
pub mod idempotent_answers;
pub(crate) mod ids;
pub mod keys;
pub(crate) mod ledger;
pub mod ledger_check;
pub mod locks;
mod migrations;
#[cfg(test)]
mod names_tests;
pub mod notify;
pub(crate) mod org_lookup;
pub mod orgs;
pub mod parked_keys;
pub mod partitions;
pub(crate) mod payments;
pub(crate) mod pool;
pub mod programs;
mod queued_turns;
pub(crate) mod refunds;
pub mod rejections;
pub mod schedules;
pub mod scratch;
pub mod settings;
pub mod spool;
pub mod spool_bulk;
pub mod statistics;
pub mod stored;
pub(crate) mod suppliers;
mod tls_files;
mod types;
pub mod under_way;

pub use batch_session::BatchSession;
pub(crate) use decode::decode;
pub use error::{DbError, FailureClass};
pub use migrations::{MIGRATOR, migrate};
pub use pool::{
    Pool, PooledConnection, acquire, begin, begin_outer, commit, connect, connect_patiently,
    forget_statements, in_transaction, limit_lock_waits, limit_statements, ping, rollback,
};

/// A connection that is not in a transaction of its own, or one that is: the caller knows.
pub type Connection = sqlx::PgConnection;
/// A transaction of the caller.
pub type Transaction = sqlx::Transaction<'static, sqlx::Postgres>;

//! SQL, one file per aggregate. Functions take a connection or a transaction; the caller owns it.
//!
//! Only `apply` may call what writes conversions, commissions, customers, transfers and balances.

mod error;
mod pool;

pub use error::{DbError, FailureClass};
pub use pool::{MIGRATOR, Pool, connect, migrate};
/// A connection that is not in a transaction of its own, or one that is: the caller knows.
pub type Connection = sqlx::PgConnection;
/// A transaction of the caller.
pub type Transaction = sqlx::Transaction<'static, sqlx::Postgres>;

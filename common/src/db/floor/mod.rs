//! What the bare database does: the rows of sales into copies of the product's tables, by nothing but statements. `commissary bench`
//! measures the product against it; no role uses it.
//!
//! The statements are not checked when they are compiled: no migration makes these tables. A test runs them.

mod sales;
#[cfg(test)]
mod tests;

use std::time::{Duration, Instant};

use futures_util::future::try_join_all;

use super::{DbError, Pool, begin, commit};
use sales::Sales;

/// Sales of one transaction.
pub const BATCH: usize = 500;
/// Connections that write at once.
pub const CONNECTIONS: u32 = 2;

/// Makes the copies anew, empty.
///
/// # Errors
/// When the database refuses.
pub async fn make_tables(pool: &Pool) -> Result<(), DbError> {
    let made = sqlx::raw_sql(include_str!("tables.sql")).execute(pool).await;
    made.map(drop)
        .map_err(|error| DbError::new("floor.tables", error))
}

/// Sales whose rows are committed in a second, measured for `time`.
///
/// # Errors
/// When the database refuses.
pub async fn per_second(pool: &Pool, time: Duration) -> Result<f64, DbError> {
    let started = Instant::now();
    let connections = (0..CONNECTIONS).map(|_| async {
        let mut written: u32 = 0;
        while started.elapsed() < time {
            write(pool, BATCH).await?;
            written += 1;
        }
        Ok::<u32, DbError>(written)
    });
    let written: u32 = try_join_all(connections).await?.into_iter().sum();
    let sales = f64::from(written) * f64::from(u32::try_from(BATCH).unwrap_or(u32::MAX));
    Ok(sales / started.elapsed().as_secs_f64())
}

/// How long each of `count` commits of one sale took, with the database to itself.
///
/// # Errors
/// When the database refuses.
pub async fn alone(pool: &Pool, count: usize) -> Result<Vec<Duration>, DbError> {
    let mut times = Vec::with_capacity(count);
    for _ in 0..count {
        let mut transaction = begin(pool).await?;
        sales::insert(&mut transaction, &Sales::random(1)).await?;
        let started = Instant::now();
        commit(transaction).await?;
        times.push(started.elapsed());
    }
    Ok(times)
}

/// Writes `count` sales in one transaction.
async fn write(pool: &Pool, count: usize) -> Result<(), DbError> {
    let new = Sales::random(count);
    let mut transaction = begin(pool).await?;
    sales::insert(&mut transaction, &new).await?;
    commit(transaction).await
}

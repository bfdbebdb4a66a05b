//! Sales that were there before: a measurement's own database is filled with them, set-based, so that what is measured meets large
//! tables. Everybody else's sales are written by `apply`: this refuses any other database.

#[cfg(test)]
mod tests;

use sqlx::Executor as _;

use super::{Connection, DbError, Pool};

/// What the names of databases begin with that may be filled.
pub const DATABASE_PREFIX: &str = "bench_";
/// Sales of one transaction.
const AT_ONCE: u64 = 100_000;

/// Stores so many sales and tells `progress` how many there are after each part. Statistics of the tables are right afterwards, and the
/// copies of the floor, where they are made, have the same rows.
///
/// # Errors
/// When the database is none of a measurement, has no organisation, or refuses.
pub async fn store(pool: &Pool, sales: u64, mut progress: impl FnMut(u64)) -> Result<(), DbError> {
    let failed = |error| DbError::new("stored.store", error);
    let mut connection = pool.acquire().await.map_err(failed)?.detach();
    let name: String = sqlx::query_scalar("SELECT current_database()")
        .fetch_one(&mut connection)
        .await
        .map_err(failed)?;
    if !name.starts_with(DATABASE_PREFIX) {
        let reason =
            format!("{name} is no database of a measurement: its name does not begin with {DATABASE_PREFIX}");
        return Err(failed(sqlx::Error::Protocol(reason)));
    }
    // A part takes longer than a statement of the product may.
    set(&mut connection, "statement_timeout", 0)
        .await
        .map_err(failed)?;
    set(&mut connection, "bench.all", sales).await.map_err(failed)?;
    let mut done = 0;
    while done < sales {
        let part = AT_ONCE.min(sales - done);
        set(&mut connection, "bench.first", done).await.map_err(failed)?;
        set(&mut connection, "bench.rows", part).await.map_err(failed)?;
        connection
            .execute(include_str!("sales.sql"))
            .await
            .map_err(failed)?;
        done += part;
        progress(done);
    }
    connection
        .execute(include_str!("copies.sql"))
        .await
        .map_err(failed)?;
    connection.execute("VACUUM (ANALYZE)").await.map_err(failed)?;
    Ok(())
}

async fn set(connection: &mut Connection, name: &str, value: u64) -> sqlx::Result<()> {
    let set = sqlx::query_scalar::<_, String>("SELECT set_config($1, $2, false)");
    set.bind(name)
        .bind(value.to_string())
        .fetch_one(connection)
        .await
        .map(drop)
}

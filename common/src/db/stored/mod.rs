//! Sales that were there before: a measurement's own database is filled with them, set-based, so that what is measured meets large
//! tables. Everybody else's sales are written by `apply`: this fills only a database that was made to be dropped.

#[cfg(test)]
mod tests;

use sqlx::Executor as _;

use super::{Connection, DbError, scratch::ScratchDatabase};

/// Sales of one transaction.
const AT_ONCE: u64 = 100_000;

/// Stores so many sales of the only organisation and tells `progress` how many there are after each part. The copies of the floor get
/// the same rows, and statistics of the tables are right afterwards.
///
/// # Errors
/// When the database refuses, such as when the floor's tables were not made.
pub async fn store(
    database: &ScratchDatabase,
    sales: u64,
    mut progress: impl FnMut(u64),
) -> Result<(), DbError> {
    let failed = |error| DbError::new("stored.store", error);
    let mut connection = database.connect().await?;
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

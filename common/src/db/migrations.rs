//! The schema: its migrations, embedded into the binary (see migrations/README.md).

use sqlx::{Connection as _, migrate::Migrator};

use super::{DbError, Pool};

/// The migrations, embedded into the binary.
pub static MIGRATOR: Migrator = sqlx::migrate!("../migrations");

/// Brings the schema to the version of this binary. Safe to run again, and by several at once.
///
/// # Errors
/// When a migration fails, or the database has one that this binary does not know.
pub async fn migrate(pool: &Pool) -> Result<(), DbError> {
    run(&MIGRATOR, pool).await
}

async fn run(migrator: &Migrator, pool: &Pool) -> Result<(), DbError> {
    let failed = |error| DbError::new("database.migrate", error);
    let mut connection = pool.acquire().await.map_err(failed)?.detach();
    // An index of a large table takes longer than a statement of the product ever may.
    sqlx::raw_sql("SET statement_timeout = 0")
        .execute(&mut connection)
        .await
        .map_err(failed)?;
    migrator
        .run(&mut connection)
        .await
        .map_err(|error| failed(error.into()))?;
    connection.close().await.map_err(failed)
}

#[cfg(test)]
mod tests {
    use sqlx::ConnectOptions as _;

    use super::*;

    static EXAMPLE: Migrator = sqlx::migrate!("tests/migrations");

    #[sqlx::test]
    async fn an_index_is_built_outside_of_a_transaction_however_long_that_takes(pool: Pool) {
        let url = pool.connect_options().to_url_lossy().to_string().into();
        let pool = super::super::connect(&url, 2, "test").await.unwrap();
        run(&EXAMPLE, &pool).await.unwrap();
        // Once more, there is nothing to do.
        run(&EXAMPLE, &pool).await.unwrap();
        let mut connection = pool.acquire().await.unwrap();
        let (is_valid, timeout): (bool, String) = sqlx::query_as(
            "SELECT indisvalid, name FROM pg_index, things WHERE indexrelid = 'things_name_idx'::regclass",
        )
        .fetch_one(&mut *connection)
        .await
        .unwrap();
        assert!(is_valid);
        assert_eq!(timeout, "0", "a statement may take as long as it takes");
        let timeout: String = sqlx::query_scalar("SHOW statement_timeout")
            .fetch_one(&mut *connection)
            .await
            .unwrap();
        assert_eq!(timeout, "30s", "of those that come after it");
    }
}

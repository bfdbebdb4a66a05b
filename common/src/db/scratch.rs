//! Databases that are made for one purpose and dropped after it, beside the one that a URL names.

use secrecy::{ExposeSecret as _, SecretString};
use sqlx::{ConnectOptions as _, Executor as _, postgres::PgConnectOptions};

use super::{Connection, DbError};

/// A database of our own, by its name and its URL.
#[derive(Clone, Debug)]
pub struct ScratchDatabase {
    server: SecretString,
    name: String,
    /// Where it is.
    pub url: SecretString,
}

impl ScratchDatabase {
    /// Makes one on the server of `url`; its name begins with `purpose`, which is letters, and ends with a random number.
    ///
    /// # Errors
    /// When the server does not answer, or the role may not make databases.
    pub async fn make(url: &SecretString, purpose: &str) -> Result<Self, DbError> {
        let failed = |error| DbError::new("scratch.make", error);
        let purpose: String = purpose.chars().filter(char::is_ascii_lowercase).collect();
        let name = format!("{purpose}_{:016x}", rand::random::<u64>());
        let options = options(url)?;
        let mut server = options.connect().await.map_err(failed)?;
        run(&mut server, format!("CREATE DATABASE {name}"))
            .await
            .map_err(failed)?;
        let own = options.database(&name).to_url_lossy();
        Ok(Self {
            server: url.clone(),
            name,
            url: SecretString::from(own.as_str()),
        })
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// A connection to it that bears statements of any length.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn connect(&self) -> Result<Connection, DbError> {
        let connection = options(&self.url)?.connect().await;
        connection.map_err(|error| DbError::new("scratch.connect", error))
    }

    /// Writes a checkpoint, so that what is measured next does not pay for what was before. Where the role may not, nothing happens.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn checkpoint(&self) -> Result<(), DbError> {
        let mut connection = self.connect().await?;
        if let Err(error) = connection.execute("CHECKPOINT").await {
            tracing::debug!(%error, "no checkpoint");
        }
        Ok(())
    }

    /// Drops it, whoever is connected.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn drop(&self) -> Result<(), DbError> {
        let failed = |error| DbError::new("scratch.drop", error);
        let mut server = options(&self.server)?.connect().await.map_err(failed)?;
        let dropped = run(
            &mut server,
            format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name),
        );
        dropped.await.map_err(failed)
    }
}

fn options(url: &SecretString) -> Result<PgConnectOptions, DbError> {
    let parsed: Result<PgConnectOptions, _> = url.expose_secret().parse();
    // Making, filling and dropping databases takes as long as it takes.
    let parsed = parsed.map(PgConnectOptions::disable_statement_logging);
    parsed.map_err(|error| DbError::new("database.url", error))
}

/// The statement holds a name of our own making: letters, digits and underscores.
async fn run(server: &mut Connection, statement: String) -> sqlx::Result<()> {
    server.execute(sqlx::AssertSqlSafe(statement)).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[sqlx::test]
    async fn one_is_made_beside_the_other_and_gone_afterwards(pool: super::super::Pool) {
        let url = pool.connect_options().to_url_lossy();
        let scratch = ScratchDatabase::make(&SecretString::from(url.as_str()), "bench; --")
            .await
            .unwrap();
        let count = async || -> i64 {
            let count = sqlx::query_scalar("SELECT count(*) FROM pg_database WHERE datname = $1");
            count.bind(&scratch.name).fetch_one(&pool).await.unwrap()
        };
        assert!(scratch.name.starts_with("bench_"));
        assert_eq!(count().await, 1);
        scratch.checkpoint().await.unwrap();
        let open = super::super::connect(&scratch.url, 1, "test").await.unwrap();
        scratch.drop().await.unwrap();
        assert_eq!(count().await, 0);
        drop(open);
    }
}

//! A database of its own for each test of the crates above: they may not name sqlx.

#![expect(
    clippy::panic,
    reason = "a test without its database must stop, with a sentence that says what to do"
)]

use secrecy::SecretString;
use sqlx::{ConnectOptions as _, Executor as _, postgres::PgConnectOptions};

use crate::{
    catalog,
    db::{self, Pool},
    domain::OrgId,
    runtime::Clock,
};

/// A migrated database with the demo world. It stays in the cluster of the test run, which is thrown away.
pub struct TestDatabase {
    pub url: SecretString,
    pub pool: Pool,
    /// The organisation `demo`.
    pub org: OrgId,
}

/// Makes a database in the cluster of `DATABASE_URL`.
///
/// # Panics
/// Without `DATABASE_URL`, or when anything fails.
pub async fn database() -> TestDatabase {
    let Some(url) = option_env_at_run_time("DATABASE_URL") else {
        panic!("set DATABASE_URL to a PostgreSQL cluster, or run ./scripts/test");
    };
    make(&url)
        .await
        .unwrap_or_else(|error| panic!("the test database: {error}"))
}

#[expect(
    clippy::disallowed_methods,
    reason = "tests have no command line to configure them by"
)]
fn option_env_at_run_time(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// More than a worker of a few lanes takes.
const CONNECTIONS: u32 = 30;

async fn make(url: &str) -> Result<TestDatabase, Box<dyn std::error::Error>> {
    let name = format!("test_{:016x}", rand::random::<u64>());
    let options: PgConnectOptions = url.parse()?;
    let mut admin = options.connect().await?;
    // The name is ours: sixteen hexadecimal digits.
    admin
        .execute(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}")))
        .await?;
    let url = SecretString::from(options.database(&name).to_url_lossy().as_str());
    let pool = db::connect(&url, CONNECTIONS, "commissary test").await?;
    db::migrate(&pool).await?;
    catalog::sync(&pool, &catalog::parse(catalog::DEMO)?, Clock::default().now()).await?;
    let org = sqlx::query_scalar("SELECT org_id FROM orgs WHERE slug = 'demo'")
        .fetch_one(&pool)
        .await?;
    Ok(TestDatabase {
        url,
        pool,
        org: OrgId(org),
    })
}

impl TestDatabase {
    /// Runs a statement, such as one that makes a fault.
    ///
    /// # Panics
    /// When it fails.
    pub async fn run(&self, statement: &'static str) {
        if let Err(error) = self.pool.execute(statement).await {
            panic!("{statement}: {error}");
        }
    }

    /// Runs a statement in a transaction of the caller, such as one that holds a lock.
    ///
    /// # Panics
    /// When it fails.
    pub async fn hold(&self, transaction: &mut db::Transaction, statement: &'static str) {
        if let Err(error) = transaction.execute(statement).await {
            panic!("{statement}: {error}");
        }
    }

    /// One number.
    ///
    /// # Panics
    /// When the query fails.
    pub async fn count(&self, query: &'static str) -> i64 {
        let count = sqlx::query_scalar(query).fetch_one(&self.pool).await;
        count.unwrap_or_else(|error| panic!("{query}: {error}"))
    }

    /// Proves the ledger.
    ///
    /// # Panics
    /// When it does not hold.
    pub async fn prove(&self) {
        match db::ledger_check::run(&self.pool, Clock::default().now(), |_| {}).await {
            Ok(report) if report.violations.is_empty() => {}
            Ok(report) => panic!("the ledger does not hold: {:?}", report.violations),
            Err(error) => panic!("the ledger check failed: {error}"),
        }
    }
}

impl std::fmt::Debug for TestDatabase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TestDatabase(org {})", self.org)
    }
}

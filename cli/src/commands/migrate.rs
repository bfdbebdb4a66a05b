//! `commissary migrate`: the schema.

use common::{
    db,
    runtime::{Clock, DbArgs},
};

use crate::print;

/// Bring the database's schema to this version. Safe to run again, and while older processes run.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    db: DbArgs,
}

pub(crate) async fn run(args: Args, clock: &Clock) -> anyhow::Result<()> {
    let pool = db::connect(&args.db.database_url, 2, "commissary migrate").await?;
    migrate(&pool, clock).await?;
    print::print(format!("the schema is at version {}", newest_version()))
}

/// The version of the schema that this binary needs.
pub(super) fn newest_version() -> i64 {
    let versions = db::MIGRATOR.iter().map(|migration| migration.version);
    versions.max().unwrap_or_default()
}

/// Migrates, and makes the days of events that come next.
pub(crate) async fn migrate(pool: &db::Pool, clock: &Clock) -> anyhow::Result<()> {
    db::migrate(pool).await?;
    let mut transaction = db::begin(pool).await?;
    db::partitions::make(&mut transaction, clock.now()).await?;
    db::commit(transaction).await?;
    Ok(())
}

//! `commissary migrate`: the schema.

use anyhow::Context as _;
use common::{
    db::{
        self,
        grants::{self, RoleNames},
    },
    runtime::{Clock, DbArgs},
};

use crate::print;

/// Bring the database's schema to this version. Safe to run again, and while older processes run.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    db: DbArgs,
    /// Afterwards give the roles of ingest, worker and api what they may do, and no more: as `commissary grants`.
    #[arg(long)]
    grants: bool,
    #[command(flatten)]
    names: RoleNames,
}

pub(crate) async fn run(args: Args, clock: &Clock) -> anyhow::Result<()> {
    let pool = db::connect(&args.db.database_url, 2, "commissary migrate").await?;
    migrate(&pool, clock).await?;
    print::print(format!("the schema is at version {}", newest_version()))?;
    if args.grants {
        let granted = grants::grant(&pool, &args.names).await;
        granted.context("giving the roles what they may do: only the owner of the schema can, and a role that is missing is made by a superuser, with `commissary grants`")?;
        let RoleNames {
            ingest_role,
            worker_role,
            api_role,
        } = &args.names;
        print::print(format!(
            "{ingest_role}, {worker_role} and {api_role} may do what their processes do, and no more"
        ))?;
    }
    Ok(())
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

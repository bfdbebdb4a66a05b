//! `commissary catalog export`: what is in the database, as a catalog file.

use std::{io::Write as _, path::PathBuf};

use anyhow::{Context as _, bail};
use common::{
    catalog::{self, ExportOptions},
    db,
    runtime::DbArgs,
};

use crate::{print::print, private_file};

/// Write what is in the database as a catalog file
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Write organisations, programs, rules, affiliates and keys as they are now
    ///
    /// Applied to the same database the file changes nothing; applied to another it makes the same world there, with keys that
    /// work: their hashes are in it, the keys themselves are known to nobody. Not in it: what is retired, revoked or deleted;
    /// prospects, notes, payout methods and passwords. Everything stands in the order in which it was made, so that
    /// the difference between two exports is what was changed between them.
    #[command(after_long_help = EXAMPLE)]
    Export(Export),
}

const EXAMPLE: &str = "\
Example, what changed since yesterday, and the same shop on another database:

  $ commissary catalog export --org shop --output shop.toml
  $ diff shop-yesterday.toml shop.toml
  $ commissary catalog export --org shop --with-secrets | DATABASE_URL=... commissary apply /dev/stdin";

#[derive(Debug, clap::Args)]
struct Export {
    /// One organisation; otherwise all
    #[arg(long, value_name = "SLUG")]
    org: Option<String>,

    /// Where to write it; otherwise standard output
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// With the secrets of pixels, by which links are signed: keep the file like a password
    #[arg(long)]
    with_secrets: bool,

    #[command(flatten)]
    db: DbArgs,
}

pub(crate) async fn run(args: Args) -> anyhow::Result<()> {
    let Command::Export(args) = args.command;
    let pool = db::connect(&args.db.database_url, 1, "commissary catalog export").await?;
    let org = match &args.org {
        None => None,
        Some(slug) => {
            let mut connection = pool.acquire().await?;
            let Some(org) = db::orgs::by_slug(&mut connection, slug).await? else {
                bail!("there is no organisation {slug:?}");
            };
            Some(org)
        }
    };
    let options = ExportOptions {
        org,
        with_secrets: args.with_secrets,
    };
    let text = catalog::export(&pool, options).await?;
    match &args.output {
        None => print(text.trim_end()),
        Some(path) => private_file::create(path)
            .and_then(|mut file| file.write_all(text.as_bytes()))
            .with_context(|| format!("cannot write {}", path.display())),
    }
}

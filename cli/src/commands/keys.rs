//! `commissary keys`: creates, lists and revokes API keys.

use chrono::{DateTime, Utc};
use comfy_table::Table;
use common::{
    db::{
        self, DbError, Pool,
        keys::{self, DEFAULT_RATE_PER_MINUTE, KeyRow, NewKey, Scope},
    },
    runtime::{Clock, DbArgs},
};
use serde_json::json;

use crate::print::{self, print, print_json};

/// Create, list and revoke API keys
///
/// Keys belong to an organisation. Only a hash is stored: a key is shown once, when it is created, and a lost one is
/// replaced by a new one. Every running ingest learns of a change within seconds.
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLE)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLE: &str = "\
Example, replacing a key without an outage:

  $ commissary keys create --org shop --name \"shop backend 2027\"
  ck_live_4fT9xQ2a_...
  $ commissary keys list --org shop
  $ commissary keys revoke --org shop ck_live_B7wq01Zc";

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Create a key and show it, once
    #[command(after_long_help = "\
Example, a key for reports that sees one program only:

  $ commissary keys create --org shop --name reports --scope read --program partners")]
    Create(Create),
    /// List the keys of an organisation, revoked ones too
    List(List),
    /// Revoke a key: requests with it are answered 401 within seconds; this cannot be undone
    Revoke(Revoke),
}

#[derive(Debug, clap::Args)]
struct Create {
    /// Whose key
    #[arg(long)]
    org: String,
    /// What you call it, such as where it is used
    #[arg(long, value_parser = clap::builder::NonEmptyStringValueParser::new())]
    name: String,
    /// What it may do: ingest, read, manage, replay, admin; repeat for several
    #[arg(long = "scope", value_name = "SCOPE", default_values = ["ingest", "read"])]
    scopes: Vec<Scope>,
    /// The one program that it sees; otherwise all of the organisation
    #[arg(long)]
    program: Option<String>,
    /// Requests a minute
    #[arg(long, value_name = "N", default_value_t = DEFAULT_RATE_PER_MINUTE, value_parser = clap::value_parser!(i32).range(1..))]
    rate: i32,
    /// The person or service that stands behind it; signs notes
    #[arg(long, value_name = "NAME", requires = "owner_id")]
    owner: Option<String>,
    /// The owner's id
    #[arg(long, value_name = "ID", requires = "owner")]
    owner_id: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    db: DbArgs,
}

#[derive(Debug, clap::Args)]
struct List {
    /// Whose keys
    #[arg(long)]
    org: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    db: DbArgs,
}

#[derive(Debug, clap::Args)]
struct Revoke {
    /// Whose key
    #[arg(long)]
    org: String,
    /// Its number, or the first characters as `keys list` shows them
    #[arg(value_name = "ID")]
    key: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    db: DbArgs,
}

pub(crate) async fn run(args: Args, clock: &Clock) -> anyhow::Result<()> {
    match args.command {
        Command::Create(args) => create(args, clock).await,
        Command::List(args) => list(args).await,
        Command::Revoke(args) => revoke(args, clock).await,
    }
}

async fn connect(db: &DbArgs) -> Result<Pool, DbError> {
    db::connect(&db.database_url, 1, "commissary keys").await
}

async fn create(args: Create, clock: &Clock) -> anyhow::Result<()> {
    let mut transaction = connect(&args.db).await?.begin().await?;
    let json = args.json;
    let (key, row) = keys::create(&mut transaction, &args.into_new_key(), clock.now()).await?;
    // Shown only when it counts.
    transaction.commit().await?;
    if json {
        return print_json(&json!({ "key": key, "created": row }));
    }
    print(key)?;
    print(format_args!(
        "\nThis is key {} ({:?}; {}). It is stored nowhere and will not be shown again: keep it now.",
        row.key_id,
        row.name,
        row.scopes.join(", ")
    ))
}

async fn list(args: List) -> anyhow::Result<()> {
    let mut connection = connect(&args.db).await?.acquire().await?;
    let rows = keys::list(&mut connection, &args.org).await?;
    if args.json {
        print_json(&rows)
    } else {
        print(listing(&rows).trim_fmt())
    }
}

async fn revoke(args: Revoke, clock: &Clock) -> anyhow::Result<()> {
    let mut transaction = connect(&args.db).await?.begin().await?;
    // As copied from the list.
    let key = args.key.trim_end_matches('…');
    let row = keys::revoke(&mut transaction, &args.org, key, clock.now()).await?;
    transaction.commit().await?;
    if args.json {
        return print_json(&row);
    }
    let at = row.revoked_at.map(minute).unwrap_or_default();
    print(format_args!(
        "Key {} ({}…, {:?}) is revoked since {at} UTC.",
        row.key_id, row.hint, row.name
    ))
}

impl Create {
    fn into_new_key(self) -> NewKey {
        let mut scopes = self.scopes;
        scopes.sort_unstable();
        scopes.dedup();
        NewKey {
            org: self.org,
            name: self.name,
            scopes,
            program: self.program,
            rate_per_minute: self.rate,
            owner: self.owner.unwrap_or_else(|| "Operator".to_owned()),
            owner_id: self.owner_id.unwrap_or_else(|| "operator".to_owned()),
        }
    }
}

fn listing(rows: &[KeyRow]) -> Table {
    let mut table = print::table(&[
        "ID",
        "HINT",
        "NAME",
        "SCOPES",
        "PROGRAM",
        "RATE/MIN",
        "OWNER",
        "CREATED (UTC)",
        "REVOKED (UTC)",
    ]);
    for row in rows {
        table.add_row([
            row.key_id.to_string(),
            format!("{}…", row.hint),
            row.name.clone(),
            row.scopes.join(" "),
            row.program.clone().unwrap_or_else(|| "all".to_owned()),
            row.rate_per_minute.to_string(),
            row.owner.clone(),
            minute(row.created_at),
            row.revoked_at.map(minute).unwrap_or_default(),
        ]);
    }
    table
}

fn minute(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M").to_string()
}

//! `commissary keys`: creates, lists and revokes API keys.

use std::str::FromStr;

use anyhow::bail;
use chrono::{DateTime, Utc};
use common::{
    catalog::change::{Actor, Answer, Author, Begun, Changeset, begin, keys as change_keys},
    db::{
        self, DbError, Pool,
        keys::{
            self, DEFAULT_RATE_PER_MINUTE, KeyError, KeyRow, NewKey, Repeats, Scope, Timezone, UnknownScope,
        },
    },
    runtime::{Clock, DbArgs},
};
use serde_json::json;

use super::acting::Acting;
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
    /// What it may do: ingest, read, manage, replay, admin, or all of that; repeat for several
    #[arg(long = "scope", value_name = "SCOPE", default_values = ["ingest", "read"])]
    scopes: Vec<Scopes>,
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
    /// In which the owner counts days, such as Europe/Amsterdam: where a list is asked for with use_profile_timezone
    #[arg(long, value_name = "ZONE", default_value_t)]
    timezone: Timezone,
    /// How a sale is answered whose order was recorded before: documented, with its dialect's error; first, the very same sale
    /// as it was first, with 200, for networks that switch a sender off after errors
    #[arg(long, value_name = "HOW", default_value_t)]
    repeats: Repeats,
    #[command(flatten)]
    acting: Acting,
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
    #[command(flatten)]
    acting: Acting,
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
    let pool = connect(&args.db).await?;
    let mut change = change(&pool, &args.org, &args.acting, clock).await?;
    let json = args.json;
    let (key, row) = change_keys::create(&mut change, &args.into_new_key()).await?;
    // Shown only when it counts.
    change.finish(&NO_ANSWER).await?;
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
    let pool = connect(&args.db).await?;
    let mut change = change(&pool, &args.org, &args.acting, clock).await?;
    // As copied from the list.
    let key = args.key.trim_end_matches('…');
    let row = change_keys::revoke(&mut change, &args.org, key).await?;
    change.finish(&NO_ANSWER).await?;
    if args.json {
        return print_json(&row);
    }
    let at = row.revoked_at.map(minute).unwrap_or_default();
    print(format_args!(
        "Key {} ({}…, {:?}) is revoked since {at} UTC.",
        row.key_id, row.hint, row.name
    ))
}

/// Nobody sends a command again under an `Idempotency-Key`.
const NO_ANSWER: Answer = Answer {
    status: 200,
    body: None,
};

async fn change(pool: &Pool, org: &str, acting: &Acting, clock: &Clock) -> anyhow::Result<Changeset> {
    let found = db::orgs::by_slug(&mut *pool.acquire().await?, org).await?;
    let author = Author {
        org: found.ok_or_else(|| KeyError::UnknownOrg(org.to_owned()))?,
        actor: Actor::Cli(acting.name.clone()),
        request_id: None,
        now: clock.now(),
    };
    match begin(pool, author, None).await? {
        Begun::Fresh(change) => Ok(change),
        Begun::Repeated(_) => bail!("this was done before"),
    }
}

/// One scope, or `all`.
#[derive(Clone, Debug)]
struct Scopes(Vec<Scope>);

impl FromStr for Scopes {
    type Err = UnknownScope;

    fn from_str(name: &str) -> Result<Self, UnknownScope> {
        match name {
            "all" => Ok(Self(Scope::all().collect())),
            name => Ok(Self(vec![name.parse()?])),
        }
    }
}

impl Create {
    fn into_new_key(self) -> NewKey {
        let mut scopes: Vec<Scope> = self
            .scopes
            .into_iter()
            .flat_map(|Scopes(scopes)| scopes)
            .collect();
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
            timezone: self.timezone,
            repeats: self.repeats,
        }
    }
}

fn listing(rows: &[KeyRow]) -> print::Rows {
    let mut table = print::table(&[
        "ID",
        "HINT",
        "NAME",
        "SCOPES",
        "PROGRAM",
        "RATE/MIN",
        "REPEATS",
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
            row.repeats.clone(),
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

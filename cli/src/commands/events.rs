//! `commissary events`: what came in, and what became of it. Reads only.

use common::{
    db,
    domain::{EventId, EventStatus},
    ops,
    runtime::{Clock, DbArgs},
};

use super::{
    event_args::{FilterArgs, event_id, one_of},
    event_output::{print_list, show},
};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// List events, latest first.
    #[command(after_long_help = "\
Duplicates (reasons duplicate_order and idempotent_repeat) are left out unless --duplicates or their --code is given.

--json prints an array of objects with event_id, org, kind, dialect, status, reason, detail, order, attempt, revision,
received_at, applied_at and due_at; what is not known is null.

Examples:
  commissary events list --org demo --from 1h
  commissary events list --order ORD123
  commissary events list --status queued,parked
  commissary events list --code unknown_partner --from 2026-11-01 --to 2026-12-01 --json")]
    List(List),

    /// Show one event: its body, its outcome, its failure, and what operators did.
    #[command(after_long_help = "\
--json prints the fields of `events list`, and trusted, program_scope, idempotency_key, body, outcome, failure (code, detail,
fingerprint, original as hex, failures, first_at, last_at) and actions (action, actor, reason, at).

Example:
  commissary events show 019a9f3e-7a00-7b1c-9c55-2f0d4f1c9a10")]
    Show(Show),
}

#[derive(Debug, clap::Args)]
struct List {
    #[command(flatten)]
    db: DbArgs,
    #[command(flatten)]
    filter: FilterArgs,
    /// Only these states: applied, refused, parked, queued, dead, discarded. Default: all.
    #[arg(long, value_name = "STATUS", value_parser = one_of::<EventStatus>, value_delimiter = ',')]
    status: Vec<EventStatus>,
    /// Also events that only repeat an earlier one.
    #[arg(long)]
    duplicates: bool,
    /// Only events before this one: the next page.
    #[arg(long, value_name = "EVENT", value_parser = event_id)]
    before: Option<EventId>,
    /// How many at most.
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: u32,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
pub(super) struct Show {
    #[command(flatten)]
    db: DbArgs,
    /// The event's id.
    #[arg(value_name = "EVENT", value_parser = event_id)]
    id: EventId,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(args: Args, clock: &Clock) -> anyhow::Result<()> {
    match args.command {
        Command::List(args) => list(args, clock).await,
        Command::Show(args) => show_one(args).await,
    }
}

async fn list(args: List, clock: &Clock) -> anyhow::Result<()> {
    let pool = db::connect(&args.db.database_url, 1, "commissary events").await?;
    let mut conn = pool.acquire().await?;
    let mut filter = args.filter.filter(&mut conn, args.status, clock.now()).await?;
    filter.before = args.before;
    filter.duplicates = args.duplicates;
    let events = ops::list(&mut conn, &filter, args.limit).await?;
    print_list(&events, args.limit, args.json)
}

pub(super) async fn show_one(args: Show) -> anyhow::Result<()> {
    let pool = db::connect(&args.db.database_url, 1, "commissary events").await?;
    let mut conn = pool.acquire().await?;
    show(&mut conn, args.id, args.json).await
}

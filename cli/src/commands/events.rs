//! `commissary events`: what came in, and what became of it. Reads only.

use chrono::TimeDelta;
use common::{
    db,
    domain::{EventId, EventStatus},
    ops,
    runtime::{Clock, DbArgs},
};

use super::{
    event_args::{FilterArgs, event_id, one_of},
    event_follow::follow,
    event_groups::{self, Bare, GROUPS_HELP, GroupArgs},
    event_output::{print_list, show},
};

/// Events that came so long ago at most are followed; `commissary dlq list --follow` follows failures of any age.
const FOLLOWED: TimeDelta = TimeDelta::hours(1);

/// Without a subcommand: what `groups` shows.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    groups: Bare,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Show refused and dead events by what they have in common: how many, since when, whose, and one of them.
    #[command(after_long_help = GROUPS_HELP)]
    Groups(GroupArgs),

    /// List events, latest first.
    #[command(after_long_help = "\
Duplicates (reasons duplicate_order and idempotent_repeat) are left out unless --duplicates or their --code is given.

--json prints an array of objects with event_id, org, kind, dialect, status, reason, detail, order, attempt, revision,
received_at, applied_at, due_at, and of what failed fingerprint and group (its short name); what is not known is null. Fields are only
added. With --follow it prints one object a line.

Examples:
  commissary events list --org demo --from 1h
  commissary events list --order ORD123
  commissary events list --status queued,parked
  commissary events list --customer jane@example.com --text SPRING --follow
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
    /// Go on printing what comes and is decided from now on, until Ctrl-C.
    #[arg(long, conflicts_with_all = ["before", "limit"])]
    follow: bool,
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
        Some(Command::Groups(args)) => event_groups::run(args, clock).await,
        Some(Command::List(args)) => list(args, clock).await,
        Some(Command::Show(args)) => show_one(args).await,
        None => event_groups::run_bare(args.groups, clock).await,
    }
}

async fn list(args: List, clock: &Clock) -> anyhow::Result<()> {
    let pool = db::connect_patiently(&args.db.database_url, "commissary events").await?;
    let mut conn = pool.acquire().await?;
    let mut filter = args.filter.filter(&mut conn, args.status, clock.now()).await?;
    filter.duplicates = args.duplicates;
    if args.follow {
        // Otherwise every day would be read for what was decided of late.
        let lately = clock.now() - FOLLOWED;
        filter.from = Some(filter.from.map_or(lately, |from| from.max(lately)));
        return follow(&mut conn, &filter, args.json, clock).await;
    }
    filter.before = args.before;
    let events = ops::list(&mut conn, &filter, args.limit).await?;
    print_list(&events, None, args.limit, args.json)
}

pub(super) async fn show_one(args: Show) -> anyhow::Result<()> {
    let pool = db::connect(&args.db.database_url, 1, "commissary events").await?;
    let mut conn = pool.acquire().await?;
    show(&mut conn, args.id, args.json).await
}

//! `commissary dlq`: what could not be applied. Look at it, replay it, or give it up.

mod choice;
mod counts;

use anyhow::bail;
use common::{
    db,
    domain::{EventId, EventStatus},
    ops::{self, groups},
    runtime::{Clock, DbArgs},
};

use self::{choice::Choice, counts::print_counts};
use super::{
    event_args::{FilterArgs, event_id},
    event_follow::follow,
    event_groups::{self, Bare, GROUPS_HELP, GroupArgs},
    event_output::print_list,
    events::{Show, show_one},
};
use crate::print::print;

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

    /// List dead and refused events, latest first.
    #[command(after_long_help = "\
Duplicates (reasons duplicate_order and idempotent_repeat) are listed only when their --code or --duplicates is given. The latest are
those that came last.

--json prints what `commissary events list --json` prints; with --follow one object a line.

Examples:
  commissary dlq list
  commissary dlq list --only dead --org demo --from 2h
  commissary dlq list --code unknown_partner --customer USER7
  commissary dlq list --again --follow")]
    List(List),

    /// Show one event: its body, its outcome, its failure, and what operators did.
    #[command(after_long_help = "\
--json prints what `commissary events show --json` prints.

Example:
  commissary dlq show 019a9f3e-7a00-7b1c-9c55-2f0d4f1c9a10")]
    Show(Show),

    /// Put dead and refused events back into the queue, after their cause has been mended.
    #[command(after_long_help = "\
Events are named by their ids or chosen by filters; what filters choose is fixed before the question is asked. Applied events
are final, and replaying twice has one effect. Undecodable events hold nothing that could be applied: discard them.
Duplicates are chosen only by their --code or --duplicates.

--json prints {chosen, more, done, skipped}: events chosen, whether the filter matches more than the limit, events queued, and
how many were left as they were, by their status or why (undecodable, unknown).

Examples:
  commissary dlq replay 019a9f3e-7a00-7b1c-9c55-2f0d4f1c9a10
  commissary dlq replay --code unknown_partner --org demo --from 2days
  commissary dlq replay --all --yes --json")]
    Replay(Replay),

    /// Give up dead, refused or parked events, with a reason. They stay readable until their day is dropped.
    #[command(after_long_help = "\
Events are named by their ids or chosen by filters, as for `dlq replay`. Discarded events cannot be replayed.

--json prints {chosen, more, done, skipped}, as `dlq replay --json`.

Examples:
  commissary dlq discard 019a9f3e-7a00-7b1c-9c55-2f0d4f1c9a10 --reason \"sent by a test\"
  commissary dlq discard --code undecodable --reason \"a scanner's noise\" --yes
  commissary dlq discard --parked --order ORD123 --reason \"the sale never came\"")]
    Discard(Discard),
}

#[derive(Debug, clap::Args)]
struct List {
    #[command(flatten)]
    db: DbArgs,
    #[command(flatten)]
    filter: FilterArgs,
    /// Only these: refused or dead.
    #[arg(long, value_name = "STATUS", value_parser = ["refused", "dead"])]
    only: Option<String>,
    /// Also refused events that only repeat an earlier one.
    #[arg(long)]
    duplicates: bool,
    /// Refused events are listed anyway: this was said before they were.
    #[arg(long = "refused", hide = true)]
    _refused: bool,
    #[command(flatten)]
    how: How,
    /// Only events before this one: the next page.
    #[arg(long, value_name = "EVENT", value_parser = event_id)]
    before: Option<EventId>,
    /// How many at most.
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: u32,
}

/// How a list is printed.
#[derive(Debug, clap::Args)]
struct How {
    /// Go on printing what fails from now on, until Ctrl-C.
    #[arg(long, conflicts_with_all = ["before", "limit"])]
    follow: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
struct Replay {
    #[command(flatten)]
    db: DbArgs,
    #[command(flatten)]
    choice: Choice,
}

#[derive(Debug, clap::Args)]
struct Discard {
    #[command(flatten)]
    db: DbArgs,
    #[command(flatten)]
    choice: Choice,
    /// Parked events, too.
    #[arg(long)]
    parked: bool,
    /// Why, for the audit.
    #[arg(long, value_name = "TEXT", required = true)]
    reason: String,
}

pub(crate) async fn run(args: Args, clock: &Clock) -> anyhow::Result<()> {
    match args.command {
        Some(Command::Groups(args)) => event_groups::run(args, clock).await,
        Some(Command::List(args)) => list(args, clock).await,
        Some(Command::Show(args)) => show_one(args).await,
        Some(Command::Replay(args)) => replay(args, clock).await,
        Some(Command::Discard(args)) => discard(args, clock).await,
        None => event_groups::run_bare(args.groups, clock).await,
    }
}

async fn list(args: List, clock: &Clock) -> anyhow::Result<()> {
    let pool = db::connect_patiently(&args.db.database_url, "commissary dlq").await?;
    let mut conn = pool.acquire().await?;
    let statuses = match args.only.as_deref().and_then(EventStatus::parse) {
        Some(only) => vec![only],
        None => vec![EventStatus::Refused, EventStatus::Dead],
    };
    let mut filter = args.filter.filter(&mut conn, statuses, clock.now()).await?;
    filter.duplicates = args.duplicates;
    if args.how.follow {
        return follow(&mut conn, &filter, args.how.json, clock).await;
    }
    let totals = groups::totals(&mut conn, &filter).await?;
    filter.before = args.before;
    let events = ops::list(&mut conn, &filter, args.limit).await?;
    print_list(&events, Some(&totals), args.limit, args.how.json)
}

async fn replay(args: Replay, clock: &Clock) -> anyhow::Result<()> {
    let Replay { db, choice } = args;
    let pool = db::connect_patiently(&db.database_url, "commissary dlq").await?;
    let mut conn = pool.acquire().await?;
    let (json, actor) = (choice.json, choice.actor.clone());
    let Some(chosen) = choice.choose(&mut conn, false, "Replay", clock).await? else {
        return Ok(());
    };
    let counts = ops::replay(&mut conn, &chosen.ids, &actor, clock.now()).await?;
    print_counts(&chosen, &counts, "queued", json)?;
    if !json && counts.done > 0 {
        print("watch them go: commissary events list --status queued")?;
        print("what fails again: commissary dlq groups --again")?;
    }
    Ok(())
}

async fn discard(args: Discard, clock: &Clock) -> anyhow::Result<()> {
    let Discard {
        db,
        choice,
        parked,
        reason,
    } = args;
    if reason.trim().is_empty() {
        bail!("--reason must say why");
    }
    let pool = db::connect_patiently(&db.database_url, "commissary dlq").await?;
    let mut conn = pool.acquire().await?;
    let (json, actor) = (choice.json, choice.actor.clone());
    let Some(chosen) = choice.choose(&mut conn, parked, "Discard", clock).await? else {
        return Ok(());
    };
    let counts = ops::discard(&mut conn, &chosen.ids, reason.trim(), &actor, clock.now()).await?;
    print_counts(&chosen, &counts, "discarded", json)
}

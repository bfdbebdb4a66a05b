//! `commissary apply FILE`: makes the database say what a catalog file says.

use std::path::PathBuf;

use anyhow::{Context, bail};
use chrono::{DateTime, Utc};
use common::{
    catalog::{self, CatalogError, SyncError, SyncOptions, SyncReport, Thing},
    db,
    runtime::{Clock, DbArgs},
};
use serde_json::json;

use super::{
    acting::Acting,
    event_args::{When, when},
    event_output::rfc3339,
};
use crate::print::{print, print_json};

/// Declare organisations, keys, programs, commission rules and affiliates from a TOML file
///
/// What is missing is created, what differs is changed, what the file does not mention is left alone: things that it does not
/// declare, and fields that it leaves out of things that exist. A line that you delete therefore changes nothing; to
/// take a value away say it, as in `clear = ["coupon"]`, or `retired = true`. Either all of it happens or nothing: of a
/// wrong file every mistake is listed with its line. Changed rates, windows, caps, approvals and groups hold for conversions
/// from now on, or from the time that --from gives. Applying the same file again changes nothing. `commissary catalog export` writes a file of what is in the database.
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLE)]
pub(crate) struct Args {
    /// The catalog; demo/catalog.toml shows everything that can stand in it
    file: PathBuf,

    /// Only say what would change
    #[arg(long)]
    dry_run: bool,

    /// From when on changed rules hold, and what is retired is, if not from now on: a date, an RFC 3339 time, or how long ago, such as
    /// 90m or 2days. Later than now is a plan
    #[arg(long, value_name = "WHEN", value_parser = when)]
    from: Option<When>,

    #[command(flatten)]
    acting: Acting,

    /// Print the outcome as JSON
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    db: DbArgs,
}

const EXAMPLE: &str = "\
Example, a catalog.toml of a shop with one program and one partner:

  [orgs.shop]
  title = \"My shop\"

  [orgs.shop.programs.partners]
  default = true
  currency = \"EUR\"
  types.standard.percentage = 10

  [orgs.shop.affiliates.ada]
  firstname = \"Ada\"
  lastname = \"Lovelace\"
  programs.partners.coupon = \"ADA10\"

One that exists already needs no more than what is to change:

  [orgs.shop.affiliates.ada]
  email = \"ada@example.com\"
  programs.partners = { percentage = 15, clear = [\"coupon\"] }

  $ commissary apply catalog.toml --dry-run
  $ commissary apply catalog.toml
  $ commissary keys create --org shop --name \"shop backend\"";

pub(crate) async fn run(args: Args, clock: &Clock) -> anyhow::Result<()> {
    let name = args.file.display().to_string();
    let text = std::fs::read_to_string(&args.file).with_context(|| format!("cannot read {name}"))?;
    let pool = db::connect(&args.db.database_url, 1, "commissary apply").await;
    let file = match catalog::parse(&text) {
        Ok(file) => file,
        Err(error) => {
            // What is wrong for the database, too, as far as it can be asked.
            let all = match &pool {
                Ok(pool) => catalog::mistakes(pool, &text).await.ok().flatten(),
                Err(_unreachable) => None,
            };
            return wrong(&name, &all.unwrap_or(error), args.json);
        }
    };
    let pool = pool?;
    let now = clock.now();
    let options = SyncOptions {
        actor: &args.acting.name,
        now,
        rules_from: args.from.map(|when| when.at(now)),
    };
    let applied = if args.dry_run {
        catalog::dry_run(&pool, &file, options).await
    } else {
        catalog::sync_as(&pool, &file, options).await
    };
    let report = match applied {
        Err(SyncError::Wrong(error)) => return wrong(&name, &error, args.json),
        applied => applied.with_context(|| format!("nothing was changed by {name}"))?,
    };
    if args.json {
        print_json(&report)
    } else {
        print_report(&report, args.dry_run, options.rules_from)
    }
}

fn wrong(name: &str, error: &CatalogError, json: bool) -> anyhow::Result<()> {
    if json {
        print_json(&json!({ "problems": error.problems }))?;
    }
    bail!("nothing was changed, {name} is wrong:\n{}", error.in_file(name));
}

fn print_report(report: &SyncReport, dry_run: bool, rules_from: Option<DateTime<Utc>>) -> anyhow::Result<()> {
    let (created, changed) = if dry_run {
        ("would create", "would change")
    } else {
        ("created", "changed")
    };
    for (thing, changes) in &report.things {
        for (verb, ids) in [(created, &changes.created), (changed, &changes.changed)] {
            for id in ids {
                print(format_args!("{verb:<8} {:<16} {id}", thing.name()))?;
            }
        }
    }
    for note in &report.notes {
        print(format_args!("note: {note}"))?;
    }
    let count = |of: fn(&catalog::Changes) -> usize| report.things.values().map(of).sum::<usize>();
    let (new, different, same) = (
        count(|changes| changes.created.len()),
        count(|changes| changes.changed.len()),
        count(|changes| changes.unchanged),
    );
    print(if dry_run {
        format!("Would create {new} and change {different}; {same} are unchanged.")
    } else {
        format!("Created {new} and changed {different}; {same} are unchanged.")
    })?;
    if dry_run {
        return Ok(());
    }
    let new_rules = [Thing::CommissionType, Thing::Level].iter().any(|thing| {
        report
            .things
            .get(thing)
            .is_some_and(|changes| !changes.changed.is_empty())
    });
    match rules_from {
        Some(from) if !report.is_unchanged() => print(format!(
            "Changed rules hold for conversions from {} on.",
            rfc3339(from)
        )),
        None if new_rules => print("Changed commission types and levels hold for conversions from now on."),
        _ => Ok(()),
    }
}

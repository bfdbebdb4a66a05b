//! `commissary audit`: who changed what, and the proof that nobody changed that.

mod verify;

use std::collections::BTreeSet;

use common::{
    db,
    reads::audit::{self, AuditEntry, AuditFilter},
    runtime::{Clock, DbArgs},
};
use serde_json::{Map, Value};

use super::{
    event_args::{When, when},
    of_org::org,
};
use crate::print::{print, print_json, table};

/// Show who changed what, latest first
///
/// Every change by a request, at the command line or by a catalog file leaves an entry, in the transaction of the change itself.
/// Each entry is chained to the one before it: `audit verify` finds what was changed, removed or inserted.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true, after_long_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    list: List,
}

const EXAMPLES: &str = "\
--json prints a list of {org, entry, at, actor_kind, actor, key_id, request_id, event_id, action, subject, before, after, hash}.

Examples:
  commissary audit --org demo
  commissary audit --subject affiliate/janejameson --since 30days
  commissary audit --action key --actor ada --json
  commissary audit verify";

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Prove that no entry was changed, removed or inserted; exit code 1 when one was
    #[command(after_long_help = verify::HELP)]
    Verify(verify::Args),
}

#[derive(Debug, clap::Args)]
struct List {
    /// Only this organisation's
    #[arg(long, value_name = "SLUG")]
    org: Option<String>,
    /// Only of this thing and what is below it, such as affiliate/janejameson, or affiliate for all
    #[arg(long)]
    subject: Option<String>,
    /// Only this action, such as key.create, or key for all with keys
    #[arg(long)]
    action: Option<String>,
    /// Only by this owner of a key or user, or by all of a kind: key, cli, catalog
    #[arg(long, value_name = "NAME")]
    actor: Option<String>,
    /// From then on: a date, an RFC 3339 time, or how long ago, such as 90m or 2days
    #[arg(long, value_name = "WHEN", value_parser = when)]
    since: Option<When>,
    /// Only entries with a lesser number: the next page; with --org
    #[arg(long, value_name = "ENTRY", requires = "org")]
    before: Option<i64>,
    /// How many at most
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    limit: u32,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    db: DbArgs,
}

pub(crate) async fn run(args: Args, clock: &Clock) -> anyhow::Result<()> {
    match args.command {
        Some(Command::Verify(args)) => verify::run(args).await,
        None => list(args.list, clock).await,
    }
}

async fn list(args: List, clock: &Clock) -> anyhow::Result<()> {
    let pool = db::connect(&args.db.database_url, 1, "commissary audit").await?;
    let mut conn = pool.acquire().await?;
    let filter = AuditFilter {
        org: org(&mut conn, args.org.as_deref()).await?,
        subject: args.subject,
        action: args.action,
        actor: args.actor,
        since: args.since.map(|when| when.at(clock.now())),
        before: args.before,
    };
    let entries = audit::list(&mut conn, &filter, args.limit).await?;
    if args.json {
        return print_json(&entries);
    }
    if entries.is_empty() {
        return print("no entries match");
    }
    let mut rows = table(&["ORG", "ENTRY", "AT (UTC)", "BY", "ACTION", "SUBJECT", "CHANGE"]);
    for entry in &entries {
        rows.add_row([
            entry.org.clone(),
            entry.entry.to_string(),
            entry.at.format("%Y-%m-%d %H:%M:%S").to_string(),
            format!("{} ({})", entry.actor, entry.actor_kind),
            entry.action.clone(),
            entry.subject.clone(),
            change(entry),
        ]);
    }
    print(rows.trim_fmt())?;
    if entries.len() == usize::try_from(args.limit).unwrap_or(usize::MAX) {
        print(format!("the latest {}; --limit shows more", args.limit))?;
    }
    Ok(())
}

/// The fields that differ, in short.
fn change(entry: &AuditEntry) -> String {
    match (&entry.before, &entry.after) {
        (None, _) => String::new(),
        (Some(_), None) => "gone".to_owned(),
        (Some(before), Some(after)) => {
            let mut changes = Vec::new();
            differences("", before, after, &mut changes);
            changes.join(", ")
        }
    }
}

/// What differs below `path`, field by field.
fn differences(path: &str, before: &Value, after: &Value, changes: &mut Vec<String>) {
    let (Value::Object(was), Value::Object(is)) = (before, after) else {
        if before != after {
            changes.push(format!("{path}: {before} → {after}"));
        }
        return;
    };
    let names: BTreeSet<&String> = was.keys().chain(is.keys()).collect();
    for name in names {
        let path = if path.is_empty() {
            name.clone()
        } else {
            format!("{path}.{name}")
        };
        let field = |fields: &Map<String, Value>| fields.get(name).cloned().unwrap_or_default();
        differences(&path, &field(was), &field(is), changes);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shown(before: Option<Value>, after: Option<Value>) -> String {
        change(&AuditEntry {
            org: "demo".into(),
            entry: 1,
            at: Clock::default().now(),
            actor_kind: "cli".into(),
            actor: "ada".into(),
            key_id: None,
            request_id: None,
            event_id: None,
            action: "program.change".into(),
            subject: "program/p".into(),
            before,
            after,
            hash: String::new(),
        })
    }

    #[test]
    fn only_what_differs_is_shown() {
        let before = json!({"a": 1, "b": {"x": 2, "y": 7}, "c": [3]});
        let after = json!({"a": 1, "b": {"x": 5, "y": 7}, "d": null});
        assert_eq!(
            shown(Some(before.clone()), Some(after.clone())),
            "b.x: 2 → 5, c: [3] → null"
        );
        assert_eq!(shown(None, Some(after)), "");
        assert_eq!(shown(Some(before), None), "gone");
    }
}

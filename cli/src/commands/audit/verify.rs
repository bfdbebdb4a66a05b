//! `commissary audit verify`: the proof that the audit trail is as it was written. Reads only; safe beside a running system.

use anyhow::bail;
use common::{
    db,
    reads::audit::{self, AuditReport},
    runtime::DbArgs,
};
use indicatif::{ProgressBar, ProgressStyle};

use crate::commands::of_org::org;

use crate::print::{print, print_json, table};

pub(super) const HELP: &str = "\
Each entry's hash covers the entry and the hash before it. Who may rewrite all of a trail could make another that holds in itself:
keep the number and hash of the last entry, which this prints, where nobody can rewrite them, and compare.

--json prints {trails, faults, faulty}: trails have org, entries, last and hash, faults have org, entry, what (removed, changed,
inserted, head) and detail; at most 50 faults are shown, and all are counted.

Examples:
  commissary audit verify
  commissary audit verify --org demo --json | jq '.trails[] | {org, last, hash}'";

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Only this organisation's trail
    #[arg(long, value_name = "SLUG")]
    org: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    db: DbArgs,
}

pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    let pool = db::connect(&args.db.database_url, 1, "commissary audit").await?;
    let mut conn = pool.acquire().await?;
    let org = org(&mut conn, args.org.as_deref()).await?;
    let bar = bar(audit::count(&mut conn, org).await?);
    drop(conn);
    let report = audit::verify(&pool, org, |more| bar.inc(more)).await;
    bar.finish_and_clear();
    let report = report?;
    if args.json {
        print_json(&report)?;
    } else {
        print_report(&report)?;
    }
    match report.faulty {
        0 => Ok(()),
        faulty => bail!("the audit trail was changed: {faulty} faults"),
    }
}

/// On a terminal, nothing elsewhere.
fn bar(entries: u64) -> ProgressBar {
    let bar = ProgressBar::new(entries);
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos} of {len} entries, {eta} to go") {
        bar.set_style(style);
    }
    bar
}

fn print_report(report: &AuditReport) -> anyhow::Result<()> {
    let mut rows = table(&["ORG", "ENTRIES", "LAST", "HASH OF THE LAST"]);
    for trail in &report.trails {
        rows.add_row([
            trail.org.clone(),
            trail.entries.to_string(),
            trail.last.to_string(),
            trail.hash.clone(),
        ]);
    }
    print(rows.trim_fmt())?;
    if report.faults.is_empty() {
        return print("\nthe audit trail is as it was written");
    }
    let mut rows = table(&["ORG", "ENTRY", "WHAT", "DETAIL"]);
    for fault in &report.faults {
        rows.add_row([
            fault.org.as_str(),
            &fault.entry.to_string(),
            fault.what.name(),
            &fault.detail,
        ]);
    }
    print(format!("\n{}", rows.trim_fmt()))?;
    let shown = u64::try_from(report.faults.len()).unwrap_or_default();
    if report.faulty > shown {
        print(format!("and {} more", report.faulty - shown))?;
    }
    Ok(())
}

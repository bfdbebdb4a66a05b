//! `commissary ledger check`: the proof that the books are right. Reads only; safe beside a running system.

use std::time::Duration;

use anyhow::bail;
use common::{
    db::{
        self,
        ledger_check::{self, Check, LedgerReport, checks},
    },
    runtime::{Clock, DbArgs},
};
use indicatif::{ProgressBar, ProgressStyle};

use crate::print::{print, print_json, table};

/// A sign of life while a check of a large table runs.
const TICK: Duration = Duration::from_millis(200);

pub(super) const HELP: &str = "\
All checks look at one snapshot of the database, so a running system does not disturb them. At most 20 violations of a check
are shown; all are counted.

--json prints {checks, violations}: checks have check, proves, checked and violations (numbers), violations have check, org,
subject and detail.

Examples:
  commissary ledger check
  commissary ledger check --json | jq '.violations[]'";

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    db: DbArgs,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: Args, clock: &Clock) -> anyhow::Result<()> {
    let pool = db::connect_patiently(&args.db.database_url, "commissary ledger").await?;
    let progress = progress();
    let report = ledger_check::run(&pool, clock.now(), |check: &Check| {
        progress.set_message(check.proves);
        progress.inc(1);
    })
    .await;
    progress.finish_and_clear();
    let report = report?;
    if args.json {
        print_json(&report)?;
    } else {
        print_report(&report)?;
    }
    match report.total() {
        0 => Ok(()),
        total => bail!("the ledger check found {total} violations"),
    }
}

/// One line on a terminal, nothing elsewhere.
fn progress() -> ProgressBar {
    let bar = ProgressBar::new(u64::try_from(checks().count()).unwrap_or_default());
    if let Ok(style) = ProgressStyle::with_template("{spinner} check {pos} of {len}: {msg}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(TICK);
    bar
}

fn print_report(report: &LedgerReport) -> anyhow::Result<()> {
    let mut rows = table(&["check", "looked at", "violations", "proves that"]);
    for check in &report.checks {
        rows.add_row([
            check.check.to_owned(),
            check.checked.to_string(),
            check.violations.to_string(),
            check.proves.to_owned(),
        ]);
    }
    print(rows.trim_fmt())?;
    if report.violations.is_empty() {
        return print("\nthe ledger is right");
    }
    let mut rows = table(&["violated", "org", "subject", "what is wrong"]);
    for violation in &report.violations {
        rows.add_row([
            violation.check,
            &violation.org,
            &violation.subject,
            &violation.detail,
        ]);
    }
    print(format!("\n{}", rows.trim_fmt()))?;
    let shown = u64::try_from(report.violations.len()).unwrap_or_default();
    if report.total() > shown {
        print(format!("and {} more", report.total() - shown))?;
    }
    Ok(())
}

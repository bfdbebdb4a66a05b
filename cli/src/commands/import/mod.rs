//! `commissary import`: the events of a file, at a rate that leaves live traffic alone.

mod queue;
mod records;
mod report;
#[cfg(test)]
mod tests;

use std::{path::PathBuf, time::Duration};

use anyhow::{Context as _, bail};
use common::{
    db::{
        self, Pool,
        import::{self, Import, ImportKey},
        ops,
    },
    runtime::{Clock, DbArgs},
};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::{
    print::{print, print_json},
    roles,
};
use queue::Job;
use records::{Format, Records};
use report::Report;

/// Events that become due in a second, unless said otherwise: half of what a worker takes from the database at most.
const RATE: u32 = 1_000;
/// Between two looks at what is still waiting.
const POLL: Duration = Duration::from_millis(500);
/// Events that one statement reports.
const REPORTED: i64 = 1_000;

/// Import the events of a CSV or NDJSON file of any size.
///
/// An interrupted import goes on where it was when the same command is run again, and the same file is imported once.
/// Records that are no events are reported and the others go on.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
A record has the fields of a postback: external_id, amount, currency, customer_id, meta_data, timestamp, and one of coupon,
referral_code, click_id or asset_id with source_id. Its `type` is conversion (also without one), update, refund, chargeback,
chargeback_reversal, customer or customer_update. In a CSV file the header names the fields; meta_data.x and meta_data[x] are
values of the meta data.

Exit code 1 says that it was stopped, or that some records could not be imported: the report tells which and why.
--json prints {records, queued, invalid, finished, unapplied, report}; unapplied is null unless the outcomes were waited for.

Examples:
  commissary import orders.csv --org demo
  commissary import orders.ndjson --org demo --program partner-program --rate 200
  commissary import orders.csv --org demo --dry-run")]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of its own on the command line"
)]
pub(crate) struct Args {
    /// The file.
    file: PathBuf,
    /// The organisation that the events are of, by its slug.
    #[arg(long, value_name = "SLUG")]
    org: String,
    /// Only within this program, as with a key that is bound to it.
    #[arg(long, value_name = "SLUG")]
    program: Option<String>,
    /// How to read the file. Default: what its name ends with.
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Events a second that workers may apply.
    #[arg(long, value_name = "N", default_value_t = RATE, value_parser = clap::value_parser!(u32).range(1..))]
    rate: u32,
    /// Only read the file and say what is wrong with it.
    #[arg(long)]
    dry_run: bool,
    /// Import the file once more, even though it has been imported.
    #[arg(long, conflicts_with = "dry_run")]
    again: bool,
    /// Do not wait until all events are decided.
    #[arg(long)]
    no_wait: bool,
    /// Where to write what could not be imported. Default: the file's name with .report.ndjson.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    db: DbArgs,
}

pub(crate) async fn run(args: Args, clock: &Clock) -> anyhow::Result<()> {
    let name = args.file.display();
    let Some(format) = args.format.or_else(|| Format::of(&args.file)) else {
        bail!("{name} ends neither with .csv nor with .ndjson: say --format csv or --format ndjson");
    };
    let path = args
        .report
        .clone()
        .unwrap_or_else(|| PathBuf::from(format!("{name}.report.ndjson")));
    let mut report = Report::new(path);
    if args.dry_run {
        return dry_run(&args, format, &mut report, clock);
    }
    let stop = roles::shutdown::token()?;
    let pool = db::connect(&args.db.database_url, 2, "commissary import").await?;
    let mut connection = pool.acquire().await.context("connecting")?;
    let Some(org) = ops::org_by_slug(&mut connection, &args.org).await? else {
        bail!("there is no organisation {}", args.org);
    };
    let program = match &args.program {
        None => None,
        Some(slug) => match import::program(&mut connection, org, slug).await? {
            None => bail!("organisation {} has no program {slug}", args.org),
            found => found,
        },
    };
    let fingerprint = records::fingerprint(&args.file, args.program.as_deref())?;
    let key = ImportKey {
        org,
        fingerprint: &fingerprint,
    };
    if args.again {
        import::forget(&mut connection, key).await?;
    }
    let before = import::begin(&mut connection, key, &name.to_string(), clock.now()).await?;
    drop(connection);
    let ids = roles::event_ids(&pool).await?;
    let job = Job {
        pool: &pool,
        clock,
        ids: &ids,
        key,
        file: &args.file,
        format,
        program,
        rate: args.rate,
    };
    let bar = bytes_bar(std::fs::metadata(&args.file).map_or(0, |file| file.len()));
    let queued = queue::run(&job, &mut report, &stop, |bytes| bar.set_position(bytes)).await;
    bar.finish_and_clear();
    let import = queued?;
    let unapplied = if args.no_wait || !import.is_finished {
        None
    } else {
        follow(&pool, key, &mut report, &stop).await?
    };
    // Of a file that was followed to its end before, the lines are forgotten: 0 would not mean that all was applied.
    let unapplied = unapplied.filter(|count| *count > 0 || !before.is_finished);
    say(&args, &before, &import, unapplied, &report)
}

fn dry_run(args: &Args, format: Format, report: &mut Report, clock: &Clock) -> anyhow::Result<()> {
    let mut records = Records::open(&args.file, format)?;
    let (mut valid, mut invalid) = (0_u64, 0_u64);
    while let Some(record) = records.next(clock.now())? {
        match record.body {
            Ok(_) => valid += 1,
            Err(wrong) => {
                invalid += 1;
                report.invalid(record.line, &wrong.0, &record.original)?;
            }
        }
    }
    report.flush()?;
    if args.json {
        let report = report.path();
        print_json(
            &json!({"records": valid + invalid, "valid": valid, "invalid": invalid, "report": report}),
        )?;
    } else {
        print(format!(
            "{valid} records are events, {invalid} are not; nothing was imported"
        ))?;
    }
    match invalid {
        0 => Ok(()),
        count => bail!("{count} records are no events: see {}", report.place().display()),
    }
}

/// Waits until nothing of the import waits any more, and reports what was not applied; `None` when stopped before.
async fn follow(
    pool: &Pool,
    key: ImportKey<'_>,
    report: &mut Report,
    stop: &CancellationToken,
) -> anyhow::Result<Option<u64>> {
    let bar = waiting_bar();
    loop {
        let mut connection = pool.acquire().await.context("connecting")?;
        let waiting = import::waiting(&mut connection, key).await?;
        if waiting == 0 {
            break;
        }
        bar.set_message(waiting.to_string());
        drop(connection);
        tokio::select! {
            () = stop.cancelled() => return Ok(None),
            () = tokio::time::sleep(POLL) => {}
        }
    }
    bar.finish_and_clear();
    let mut connection = pool.acquire().await.context("connecting")?;
    let (mut after, mut count) = (0, 0);
    loop {
        let some = import::unapplied(&mut connection, key, after, REPORTED).await?;
        let Some(last) = some.last() else {
            break;
        };
        after = last.line;
        for event in &some {
            report.unapplied(event)?;
            count += 1;
        }
    }
    report.flush()?;
    import::forget_lines(&mut connection, key).await?;
    Ok(Some(count))
}

fn say(
    args: &Args,
    before: &Import,
    import: &Import,
    unapplied: Option<u64>,
    report: &Report,
) -> anyhow::Result<()> {
    let queued = import.records_done - import.invalid;
    if args.json {
        print_json(&json!({
            "records": import.records_done, "queued": queued, "invalid": import.invalid,
            "finished": import.is_finished, "unapplied": unapplied, "report": report.path(),
        }))?;
    } else if before.is_finished {
        let name = args.file.display();
        print(format!(
            "{name} has been imported before: nothing was queued (--again imports it once more)"
        ))?;
    } else if import.is_finished {
        print(format!(
            "{queued} events queued, {} records invalid",
            import.invalid
        ))?;
    }
    if let (Some(count), false) = (unapplied, args.json) {
        print(match count {
            0 => "all events are decided and applied".to_owned(),
            count => format!("all events are decided; {count} were not applied"),
        })?;
    }
    verdict(args, before, import, unapplied, report)
}

/// What a script must not take for success.
fn verdict(
    args: &Args,
    before: &Import,
    import: &Import,
    unapplied: Option<u64>,
    report: &Report,
) -> anyhow::Result<()> {
    if !import.is_finished {
        let done = import.records_done;
        bail!("stopped after {done} records: the same command goes on from there");
    }
    if unapplied.is_none() && !args.no_wait && !before.is_finished {
        bail!("stopped waiting: the events are queued and workers apply them; the same command waits again");
    }
    let invalid = if before.is_finished { 0 } else { import.invalid };
    match u64::try_from(invalid).unwrap_or_default() + unapplied.unwrap_or_default() {
        0 => Ok(()),
        count => bail!(
            "{count} records could not be imported: see {}",
            report.place().display()
        ),
    }
}

fn bytes_bar(bytes: u64) -> ProgressBar {
    let bar = ProgressBar::new(bytes);
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {bytes} of {total_bytes}, {eta} left") {
        bar.set_style(style);
    }
    bar
}

fn waiting_bar() -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} events wait for a worker") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(POLL);
    bar
}

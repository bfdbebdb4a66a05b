//! `commissary import`: the events of a file, at a rate that leaves live traffic alone.

mod dry_run;
mod file;
mod format;
mod header;
mod outcome_report;
mod progress;
mod queue;
mod records;
mod refund_ids;
mod report;
#[cfg(test)]
mod tests;

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use common::{
    db::{self, orgs, programs},
    ops::import::{self, ImportKey},
    runtime::{Clock, DbArgs},
};
use indicatif::{ProgressBar, ProgressStyle};

use crate::roles;
use format::Format;
use outcome_report::Ended;
use queue::Job;
use report::Report;

/// Events that become due in a second, unless said otherwise: half of what a worker takes from the database at most.
const RATE: u32 = 1_000;
/// The highest rate. A worker takes 2,000 waiting events a second of all organisations, the longest due first: an import that
/// is faster would leave the others waiting behind it.
const MAX_RATE: u32 = 1_500;

/// Import the events of a CSV or NDJSON file of any size.
///
/// An interrupted import goes on where it was when the same command is run again, and the same file is imported once.
/// Records that are no events are reported and the others go on.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
A record has the fields of a postback: external_id, amount, currency, customer_id, meta_data, timestamp, and one of coupon,
referral_code, click_id or asset_id with source_id. Its `type` is conversion (also without one), update, refund, chargeback,
chargeback_reversal, customer or customer_update. In a CSV file, with commas, the header names the fields in any case;
meta_data.x and meta_data[x] are values of the meta data. A line has at most 64 KiB.

A mended file may bring lines that were imported before: sales and customers are known by their ids, and a refund without a
refund_id by its line. The same line, in another file or with --again, is the same refund; equal lines of one file are refunds
of their own. So equal refunds of one order in two files need a refund_id, or anything else that tells their lines apart.

Exit code 1 says that it was stopped, or that some records could not be imported or wait for their orders: the report tells
which and why. It is begun anew unless an interrupted import goes on.
--json prints {records, queued, invalid, finished, unapplied, parked, ignored, report}; unapplied (decided, but not applied) and
parked (waiting for their orders) are null unless the outcomes were waited for, ignored are the names of fields that nobody
knows. With --dry-run it prints {records, valid, invalid, problems, ignored, report}; problems are the first 20.

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
    /// Events a second that workers may apply. Faster than 1500 they would keep the waiting events of all others back.
    #[arg(long, value_name = "N", default_value_t = RATE,
        value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_RATE)))]
    rate: u32,
    /// Leave out columns that nobody knows. Otherwise a CSV file with such columns is refused.
    #[arg(long)]
    ignore_unknown: bool,
    /// Only read the file and say what is wrong with it. A report is written only with --report.
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
    if args.dry_run {
        return dry_run::run(&args, format, clock);
    }
    let mut report = Report::of(&args.file, args.report.as_deref())?;
    records::check(&args.file, format, args.ignore_unknown)?;
    let stop = roles::supervisor("the records at hand are queued first")?.stop();
    let pool = db::connect(&args.db.database_url, 2, "commissary import").await?;
    let mut connection = pool.acquire().await.context("connecting")?;
    let Some(org) = orgs::by_slug(&mut connection, &args.org).await? else {
        bail!("there is no organisation {}", args.org);
    };
    let program = match &args.program {
        None => None,
        Some(slug) => match programs::by_slug(&mut connection, org, slug).await? {
            None => bail!("organisation {} has no program {slug}", args.org),
            found => found,
        },
    };
    let fingerprint = file::fingerprint(&args.file, format, args.program.as_deref())?;
    let key = ImportKey {
        org,
        fingerprint: &fingerprint,
    };
    if args.again {
        import::forget(&mut connection, key).await?;
    }
    let before = import::begin(&mut connection, key, &name.to_string(), clock.now()).await?;
    drop(connection);
    if before.records_done == 0 {
        report.start_anew()?;
    }
    let ids = roles::event_ids(&pool).await?;
    let job = Job {
        pool: &pool,
        clock,
        ids: &ids,
        key,
        file: &args.file,
        format,
        program,
        ignore_unknown: args.ignore_unknown,
        rate: args.rate,
    };
    let bar = bytes_bar(std::fs::metadata(&args.file).map_or(0, |file| file.len()));
    let queued = queue::run(&job, &mut report, &stop, |bytes| bar.set_position(bytes)).await;
    bar.finish_and_clear();
    let queued = queued?;
    let import = &queued.import;
    let followed = if args.no_wait || !import.is_finished {
        None
    } else {
        progress::follow(&pool, key, import.unapplied, &mut report, &stop).await?
    };
    // Nothing to follow is no success where an earlier run has reported what failed.
    let ended = Ended {
        before: &before,
        import,
        followed: followed.filter(|followed| !before.is_finished || followed.is_any_new),
        ignored: &queued.ignored,
    };
    outcome_report::print_outcome(&args, &ended, &report)
}

fn bytes_bar(bytes: u64) -> ProgressBar {
    let bar = ProgressBar::new(bytes);
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {bytes} of {total_bytes}, {eta} left") {
        bar.set_style(style);
    }
    bar
}

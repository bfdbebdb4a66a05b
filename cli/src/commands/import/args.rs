//! What `commissary import` takes, and its help.

use std::path::PathBuf;

use common::runtime::DbArgs;

use super::format::Format;

/// Events that become due in a second, unless said otherwise: half of what a worker takes from the database at most.
const RATE: u32 = 1_000;
/// The highest rate. A worker takes 2,000 waiting events a second of all organisations, the longest due first: an import that
/// is faster would leave the others waiting behind it.
pub(super) const MAX_RATE: u32 = 1_500;

/// Import the events of a CSV or NDJSON file of any size.
///
/// An interrupted import goes on where it was when the same command is run again, and the same file is imported once.
/// Records that are no events are reported and the others go on.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
A record has the fields of a postback: external_id, amount, currency, customer_id, meta_data, timestamp, and one of coupon,
referral_code, click_id or asset_id with source_id. Its `type` is conversion (also without one), update, refund, chargeback,
chargeback_reversal, customer or customer_update. In a CSV file, with commas, the header names the fields in any case;
meta_data.x and meta_data[x] are values of the meta data. A line has at most 256 KiB.

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
    pub(super) file: PathBuf,
    /// The organisation that the events are of, by its slug.
    #[arg(long, value_name = "SLUG")]
    pub(super) org: String,
    /// Only within this program, as with a key that is bound to it.
    #[arg(long, value_name = "SLUG")]
    pub(super) program: Option<String>,
    /// How to read the file. Default: what its name ends with.
    #[arg(long, value_enum)]
    pub(super) format: Option<Format>,
    /// Events a second that workers may apply. Faster than 1500 they would keep the waiting events of all others back.
    #[arg(long, value_name = "N", default_value_t = RATE,
        value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_RATE)))]
    pub(super) rate: u32,
    /// Leave out columns that nobody knows. Otherwise a CSV file with such columns is refused.
    #[arg(long)]
    pub(super) ignore_unknown: bool,
    /// Only read the file and say what is wrong with it. A report is written only with --report.
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Import the file once more, even though it has been imported.
    #[arg(long, conflicts_with = "dry_run")]
    pub(super) again: bool,
    /// Do not wait until all events are decided.
    #[arg(long)]
    pub(super) no_wait: bool,
    /// Where to write what could not be imported. Default: the file's name with .report.ndjson.
    #[arg(long, value_name = "FILE")]
    pub(super) report: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) db: DbArgs,
}

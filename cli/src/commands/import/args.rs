//! What `commissary import` takes, and its help.

use std::path::PathBuf;

use common::{db::keys::Timezone, runtime::DbArgs};
use encoding_rs::Encoding;

use super::format::Format;

/// Events that become due in a second, unless said otherwise: half of what a worker takes from the database at most.
const RATE: u32 = 1_000;
/// The highest rate. A worker takes 2,000 waiting events a second of all organisations, the longest due first: an import that
/// is faster would leave the others waiting behind it.
pub(super) const MAX_RATE: u32 = 1_500;

/// Import the events of a table (CSV) or of JSON, of any size.
///
/// An interrupted import goes on where it was when the same command is run again, and the same file is imported once.
/// Records that are no events are reported and the others go on.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
A record has the fields of a postback: external_id, amount, currency, customer_id, meta_data, timestamp, and one of coupon,
referral_code, click_id or asset_id with source_id. Its `type` is conversion (also without one), update, refund, chargeback,
chargeback_reversal, customer or customer_update. A record has at most 256 KiB.

A timestamp is seconds or milliseconds since 1970, or a date or time as of ISO 8601, with an offset or in --timezone. A conversion
is of that time, and of two changes of a field the later counts: of a sale's amount, status, meta data and chargeback, of a
customer's end and meta data. Without one a change is of the moment of the import; of two the later one of the file counts. Refunds
and new customers have none: one that is sent is ignored, and reported.

In a table the header names the fields in any case; meta_data.x and meta_data[x] are values of the meta data. Between the columns
are commas, semicolons, tabs, bars, or what a line `sep=;` before the header names. Blank rows are skipped, =\"1002\" and '1002
are 1002; ids that a spreadsheet has shortened, such as 1.23457E+12, are refused, as are rows in which a quote is not closed.
JSON is an object a line, or a list of objects, printed in any way; records of a list are told by their number. Files are UTF-8,
UTF-16 or in --encoding, as they are or packed with gzip, which is told by their first bytes.

A mended file may bring lines that were imported before. A sale whose order was recorded with the same fields, by an import or by
any key, is already there, which is told and is no failure; one that says anything else is refused as a duplicate. Customers are
known by their ids, and refunds by their refund_id, or without one by order and amount: equal refunds of one order need a
refund_id each.

Exit code 1 says that it was stopped, or that some records could not be imported or wait for their orders: the end of the output
counts the reasons, the report tells which records. It is begun anew unless an interrupted import goes on. A refund that was
applied and had no effect (repeated_refund) is told, and is no failure; so are warnings of what was left out or cut of a record.
--json prints {records, queued, invalid, finished, unapplied, parked, groups, ignored, ignored_times, report}; unapplied (decided,
but not applied) and parked (waiting for their orders) are null unless the outcomes were waited for, groups are {status, reason,
count, first, lines, details}, where lines are the first that count, ignored are the names of fields that nobody knows, ignored_times counts timestamps of records that have
none. With --dry-run it prints {records, valid, invalid, refused, groups, problems, ignored, ignored_times, report}; problems are
the first 20.

Examples:
  commissary import orders.csv --org demo --timezone Europe/Berlin
  commissary import orders.json.gz --org demo --program partner-program --rate 200
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
    /// How to read the file. Default: what its name ends with, and how it begins.
    #[arg(long, value_enum)]
    pub(super) format: Option<Format>,
    /// Of times without an offset, by its IANA name. Default: UTC.
    #[arg(long, value_name = "ZONE")]
    pub(super) timezone: Option<Timezone>,
    /// In which the file is written, such as windows-1252. Default: UTF-8, or UTF-16 where it begins so.
    #[arg(long, value_name = "NAME", value_parser = encoding)]
    pub(super) encoding: Option<&'static Encoding>,
    /// Events a second that workers may apply. Faster than 1500 they would keep the waiting events of all others back.
    #[arg(long, value_name = "N", default_value_t = RATE,
        value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_RATE)))]
    pub(super) rate: u32,
    /// Leave out columns that nobody knows. Otherwise a CSV file with such columns is refused.
    #[arg(long)]
    pub(super) ignore_unknown: bool,
    /// Only read the file and say what is wrong with it, and what the catalog would refuse: unknown coupons and codes, who is not
    /// approved. A report is written only with --report.
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

fn encoding(name: &str) -> Result<&'static Encoding, String> {
    let found = Encoding::for_label_no_replacement(name.as_bytes());
    found.ok_or_else(|| format!("{name:?} is no encoding such as windows-1252, iso-8859-15 or shift_jis"))
}

/// The command as tests give it.
#[cfg(test)]
#[derive(Debug, clap::Parser)]
pub(super) struct Line {
    #[command(flatten)]
    pub(super) args: Args,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_import_leaves_room_for_others() {
        let parse = |rate: u32| {
            let rate = rate.to_string();
            let line = [
                "import",
                "a.csv",
                "--org",
                "demo",
                "--database-url",
                "postgres://x",
                "--rate",
                &rate,
            ];
            <Line as clap::Parser>::try_parse_from(line).map(|line| line.args.rate)
        };
        assert_eq!(parse(MAX_RATE).unwrap(), MAX_RATE);
        assert!(parse(MAX_RATE + 1).is_err());
        assert!(parse(0).is_err());
        let help = <Line as clap::CommandFactory>::command()
            .render_long_help()
            .to_string();
        assert!(help.contains(&MAX_RATE.to_string()), "{help}");
    }
}

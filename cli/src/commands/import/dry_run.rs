//! Reading a file without importing it.

use anyhow::bail;
use common::runtime::Clock;
use serde_json::json;

use super::{Args, format::Format, outcome_report, records::Records, report::Report};
use crate::print::{print, print_json};

/// Problems that are printed. A report holds all of them.
const SHOWN: usize = 20;

/// # Errors
/// When the file or the report fails, or a record is no event.
pub(super) fn run(args: &Args, format: Format, clock: &Clock) -> anyhow::Result<()> {
    let mut report = match &args.report {
        None => None,
        Some(path) => Some(Report::of(&args.file, Some(path))?),
    };
    let mut records = Records::open(&args.file, format, args.ignore_unknown)?;
    if let Some(report) = &report {
        report.start_anew()?;
    }
    let (mut valid, mut problems, mut invalid) = (0_u64, Vec::new(), 0_u64);
    while let Some(record) = records.next(clock.now())? {
        let Err(wrong) = record.body else {
            valid += 1;
            continue;
        };
        invalid += 1;
        if problems.len() < SHOWN {
            problems.push(json!({"line": record.line, "reason": wrong.0}));
        }
        if let Some(report) = &mut report {
            report.invalid(record.line, &wrong.0, &record.original)?;
        }
    }
    if valid + invalid == 0 {
        bail!("{} has no records", args.file.display());
    }
    if let Some(report) = &mut report {
        report.flush()?;
    }
    let place = report.as_ref().and_then(Report::path);
    if args.json {
        print_json(&json!({
            "records": valid + invalid, "valid": valid, "invalid": invalid, "problems": problems,
            "ignored": records.ignored(), "report": place,
        }))?;
    } else {
        outcome_report::warn_of_ignored(&records.ignored())?;
        for problem in &problems {
            let reason = problem["reason"].as_str().unwrap_or_default();
            print(format!("line {}: {reason}", problem["line"]))?;
        }
        print(format!(
            "{valid} records are events, {invalid} are not; nothing was imported"
        ))?;
    }
    match (invalid, place) {
        (0, _) => Ok(()),
        (count, Some(place)) => bail!("{count} records are no events: see {}", place.display()),
        (count, None) if invalid > SHOWN as u64 => {
            bail!("{count} records are no events: --report FILE writes all of them")
        }
        (count, None) => bail!("{count} records are no events"),
    }
}

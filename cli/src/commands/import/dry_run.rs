//! Reading a file without importing it: what is no event, and what the catalog would refuse.

use anyhow::bail;
use common::{
    apply,
    db::Pool,
    domain::{Event, OrgId, ProgramId, Refusal},
    message::EventIds,
    runtime::Clock,
};
use serde_json::json;

use super::{
    args::Args,
    bar::Bar,
    groups::Groups,
    outcome_report::warn_of_left_out,
    queue::{event, take},
    reading::Reading,
    records::{Record, Records},
    report::Report,
    words::{INVALID, REFUSED, WARNING},
};
use crate::print::{print, print_json};

/// Records that are wrong and printed one by one in JSON. A report holds all of them.
const SHOWN: usize = 20;

/// Of whom the file is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Owner<'a> {
    pub(super) pool: &'a Pool,
    pub(super) ids: &'a EventIds,
    pub(super) org: OrgId,
    pub(super) program: Option<ProgramId>,
}

/// What is wrong with the records so far.
#[derive(Debug, Default)]
struct Found {
    valid: u64,
    invalid: u64,
    refused: u64,
    groups: Groups,
    problems: Vec<serde_json::Value>,
}

/// # Errors
/// When the file, the report or the database fails, or a record is no event or would be refused.
pub(super) async fn run(
    args: &Args,
    reading: &Reading,
    owner: Owner<'_>,
    clock: &Clock,
) -> anyhow::Result<()> {
    let place = reading.format.place();
    let mut report = match &args.report {
        None => None,
        Some(path) => Some(Report::of(&reading.path, Some(path), place)?),
    };
    let mut records = Records::open(reading)?;
    if let Some(report) = &report {
        report.start_anew()?;
    }
    let size = std::fs::metadata(&reading.path).map_or(0, |file| file.len());
    let (mut found, mut bar) = (Found::default(), Bar::new("reading", place));
    loop {
        let chunk = take(&mut records, clock.now())?;
        let Some(last) = chunk.last().map(|record| record.place) else {
            break;
        };
        look_at(chunk, owner, clock, &mut found, report.as_mut()).await?;
        bar.show(last, records.bytes(), size, std::time::Duration::ZERO)?;
    }
    drop(bar);
    if found.valid + found.invalid + found.refused == 0 {
        bail!("{} has no records", reading.path.display());
    }
    if let Some(report) = &mut report {
        report.flush()?;
    }
    let left_out = records.left_out();
    if args.json {
        print_json(&json!({
            "records": found.valid + found.invalid + found.refused, "valid": found.valid, "invalid": found.invalid,
            "refused": found.refused, "groups": found.groups.json(), "problems": found.problems,
            "ignored": left_out.fields, "ignored_times": left_out.times,
            "report": report.as_ref().and_then(Report::path),
        }))?;
    } else {
        warn_of_left_out(&left_out)?;
        found.groups.print(place)?;
        print(format!(
            "{} records are events, {} are not, {} would be refused; nothing was imported",
            found.valid, found.invalid, found.refused
        ))?;
    }
    let wrong = found.invalid + found.refused;
    match (wrong, report.as_ref().and_then(Report::path)) {
        (0, _) => Ok(()),
        (count, Some(path)) => bail!("{count} records could not be imported: see {}", path.display()),
        (count, None) => bail!("{count} records could not be imported: --report FILE writes them"),
    }
}

async fn look_at(
    records: Vec<Record>,
    owner: Owner<'_>,
    clock: &Clock,
    found: &mut Found,
    mut report: Option<&mut Report>,
) -> anyhow::Result<()> {
    let (mut events, mut originals) = (Vec::new(), Vec::new());
    for record in records {
        match record.body {
            Ok(body) => {
                for warning in &record.warnings {
                    found.groups.add(WARNING, warning, None, record.place);
                }
                if let Some(report) = &mut report {
                    report.warnings(record.place, &record.warnings)?;
                }
                let now = clock.now();
                let id = owner.ids.issue(owner.org, now);
                events.push(event(id, owner.org, owner.program, now, record.warnings, body));
                originals.push((record.place, record.original));
            }
            Err(wrong) => {
                found.invalid += 1;
                found.add(INVALID, &wrong.0, None, record.place);
                if let Some(report) = &mut report {
                    report.invalid(record.place, &wrong.0, &record.original)?;
                }
            }
        }
    }
    for ((place, original), refusal) in originals.iter().zip(refusals(&events, owner, clock).await?) {
        let Some(refusal) = refusal else {
            found.valid += 1;
            continue;
        };
        found.refused += 1;
        found.add(REFUSED, refusal.reason.code(), Some(&refusal.detail), *place);
        if let Some(report) = &mut report {
            report.refusal(*place, &refusal, original)?;
        }
    }
    Ok(())
}

async fn refusals(events: &[Event], owner: Owner<'_>, clock: &Clock) -> anyhow::Result<Vec<Option<Refusal>>> {
    Ok(apply::preview(owner.pool, events, clock.now()).await?)
}

impl Found {
    fn add(&mut self, status: &str, reason: &str, detail: Option<&str>, place: u64) {
        self.groups.add(status, reason, detail, place);
        if self.problems.len() < SHOWN {
            let problem = json!({"line": place, "status": status, "reason": reason, "detail": detail});
            self.problems.push(problem);
        }
    }
}

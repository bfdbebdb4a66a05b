//! What an import says at its end, and whether it was one.

use std::path::Path;

use anyhow::bail;
use common::ops::import::Import;
use serde_json::json;

use super::{args::Args, groups::Groups, progress::Followed, records::LeftOut, report::Report};
use crate::print::{print, print_json, warn};

const LATER: &str = "the same command tells later what became of them";

/// How far an import came.
#[derive(Debug)]
pub(super) struct Ended<'a> {
    pub(super) before: &'a Import,
    pub(super) import: &'a Import,
    /// What became of the events; `None` when nobody waited for it.
    pub(super) followed: Option<Followed>,
    /// What was left out of the records that this run read.
    pub(super) left_out: &'a LeftOut,
}

/// Prints it, as JSON or in words.
///
/// # Errors
/// When something could not be imported, or not all is known.
pub(super) fn print_outcome(args: &Args, ended: &Ended<'_>, report: &Report) -> anyhow::Result<()> {
    let import = ended.import;
    // Of a file that was imported and followed before, the report has been told.
    let is_told = ended.before.is_finished && ended.followed.is_none();
    let groups = if is_told {
        Groups::default()
    } else {
        report.groups()?
    };
    if args.json {
        print_json(&json!({
            "records": import.records_done, "queued": import.records_done - import.invalid,
            "invalid": import.invalid, "finished": import.is_finished,
            "unapplied": ended.followed.map(|events| events.unapplied),
            "parked": ended.followed.map(|events| events.parked),
            "groups": groups.json(), "ignored": ended.left_out.fields, "ignored_times": ended.left_out.times,
            "report": report.path(),
        }))?;
    } else {
        warn_of_left_out(ended.left_out)?;
        for sentence in sentences(&args.file, ended) {
            print(sentence)?;
        }
        groups.print(report.place())?;
    }
    fail_unless_complete(args, ended, report)
}

/// Says what was read and does not count.
///
/// # Errors
/// When standard error cannot be written.
pub(super) fn warn_of_left_out(left_out: &LeftOut) -> anyhow::Result<()> {
    if !left_out.fields.is_empty() {
        warn(format!(
            "nobody knows these fields, they were left out: {}",
            left_out.fields.join(", ")
        ))?;
    }
    if left_out.times > 0 {
        warn(format!(
            "the timestamp of {} records was ignored: a refund and a new customer have no time of their own",
            left_out.times
        ))?;
    }
    Ok(())
}

fn sentences(file: &Path, ended: &Ended<'_>) -> Vec<String> {
    let import = ended.import;
    let queued = import.records_done - import.invalid;
    let mut sentences = Vec::new();
    if ended.before.is_finished {
        let name = file.display();
        sentences.push(format!(
            "{name} has been imported before: nothing was queued (--again imports it once more)"
        ));
    } else if import.is_finished {
        sentences.push(format!(
            "{queued} events queued, {} records invalid",
            import.invalid
        ));
    }
    sentences.extend(ended.followed.filter(|_| queued > 0).map(events_sentence));
    sentences
}

fn events_sentence(events: Followed) -> String {
    match (events.unapplied, events.parked) {
        (0, 0) => "all events are decided: none is left to do".to_owned(),
        (count, 0) => format!("all events are decided; {count} were not applied"),
        (0, parked) => {
            format!("{parked} events wait for their orders, 24 hours at most; the others are applied")
        }
        (count, parked) => format!(
            "{parked} events wait for their orders, 24 hours at most; the others are decided, {count} were not applied"
        ),
    }
}

/// What a script must not take for success.
fn fail_unless_complete(args: &Args, ended: &Ended<'_>, report: &Report) -> anyhow::Result<()> {
    let (before, import) = (ended.before, ended.import);
    if !import.is_finished {
        let done = import.records_done;
        bail!("stopped after {done} records: the same command goes on from there");
    }
    if ended.followed.is_none() && !args.no_wait && !before.is_finished {
        bail!("stopped waiting: the events are queued and workers apply them; the same command waits again");
    }
    let events = ended.followed.unwrap_or_default();
    let invalid = if before.is_finished { 0 } else { import.invalid };
    let lost = invalid + events.unapplied;
    let place = report
        .path()
        .map_or_else(String::new, |path| format!(": see {}", path.display()));
    match (lost, events.parked) {
        (0, 0) => Ok(()),
        (lost, 0) => bail!("{lost} records could not be imported{place}"),
        (0, parked) => bail!("{parked} records wait for their orders; {LATER}{place}"),
        (lost, parked) => {
            bail!("{lost} records could not be imported, {parked} wait for their orders; {LATER}{place}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_said_of_events_that_are_none() {
        let import = |records_done, is_finished| Import {
            records_done,
            invalid: 2,
            unapplied: 0,
            due_until: chrono::DateTime::UNIX_EPOCH,
            is_finished,
        };
        let said = |records_done| {
            let (before, import) = (import(0, false), import(records_done, true));
            let ended = Ended {
                before: &before,
                import: &import,
                followed: Some(Followed::default()),
                left_out: &LeftOut::default(),
            };
            sentences(Path::new("orders.csv"), &ended)
        };
        assert_eq!(said(2), ["0 events queued, 2 records invalid"]);
        assert_eq!(said(3)[1], "all events are decided: none is left to do");
    }

    #[test]
    fn what_waits_is_not_called_decided() {
        let words = |unapplied, parked| {
            events_sentence(Followed {
                unapplied,
                parked,
                is_any_new: true,
            })
        };
        assert_eq!(words(0, 0), "all events are decided: none is left to do");
        assert!(words(2, 0).contains("2 were not applied"));
        assert!(!words(0, 1).contains("all events"));
        assert!(words(2, 1).starts_with("1 events wait for their orders"));
    }
}

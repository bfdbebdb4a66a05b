//! What a command has done with the events that were meant.

use std::fmt::Write as _;

use common::{
    domain::EventStatus,
    ops::{Counts, Selection},
};
use serde::Serialize;

use crate::print::{print, print_json};

#[derive(Serialize)]
pub(super) struct Done<'a> {
    pub(super) chosen: usize,
    pub(super) more: bool,
    #[serde(flatten)]
    pub(super) counts: &'a Counts,
}

pub(super) fn print_counts(
    chosen: &Selection,
    counts: &Counts,
    done: &str,
    json: bool,
) -> anyhow::Result<()> {
    if json {
        return print_json(&Done {
            chosen: chosen.ids.len(),
            more: chosen.more,
            counts,
        });
    }
    let mut text = format!("{} of {} {done}", counts.done, chosen.ids.len());
    for (why, count) in &counts.skipped {
        write!(text, "\n  left as they were: {count} {}", explained(why))?;
    }
    print(text)
}

fn explained(why: &str) -> &str {
    match EventStatus::parse(why) {
        Some(EventStatus::Applied) => return "applied, which is final",
        Some(EventStatus::Queued) => return "queued already",
        Some(EventStatus::Parked) => return "parked: they wait for their order or customer",
        Some(EventStatus::Discarded) => return "discarded",
        Some(EventStatus::Dead | EventStatus::Refused) => return "changed meanwhile",
        None => {}
    }
    match why {
        "undecodable" => {
            "undecodable: there is nothing to apply; look at them with `dlq show`, then discard them"
        }
        "unknown" => "unknown: no such event",
        other => other,
    }
}

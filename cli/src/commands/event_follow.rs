//! `--follow`: events as they come, are decided, or fail, until Ctrl-C.

use std::{collections::HashMap, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use common::{
    db::Connection,
    ops::{self, EventSummary, Filter},
    runtime::Clock,
};

use super::event_output::print_event;
use crate::print::{note, print_json_line};

const EVERY: Duration = Duration::from_secs(1);
/// What a transaction wrote may be seen so much later than it says.
const OVERLAP: TimeDelta = TimeDelta::seconds(45);
/// Events that one look shows; the next one goes on behind them.
const MOST: u32 = 1_000;

/// What was shown, and when it was so.
type Shown = HashMap<(uuid::Uuid, i32, &'static str), DateTime<Utc>>;

/// Prints events that match from now on. Ends by Ctrl-C alone.
pub(super) async fn follow(
    conn: &mut Connection,
    filter: &Filter,
    json: bool,
    clock: &Clock,
) -> anyhow::Result<()> {
    if !json {
        note("waiting for events; Ctrl-C ends it")?;
    }
    let (begin, mut shown) = (clock.now(), Shown::new());
    let mut since = begin;
    loop {
        let found = ops::changed_since(conn, filter, since, MOST).await?;
        let is_full = found.len() >= usize::try_from(MOST).unwrap_or(usize::MAX);
        let latest = found.iter().map(EventSummary::changed_at).max();
        for event in &found {
            let key = (event.event_id, event.attempt, event.status.name());
            if shown.insert(key, event.changed_at()).is_none() {
                print_one(event, json)?;
            }
        }
        since = match latest.filter(|_| is_full) {
            Some(latest) => latest,
            None => (clock.now() - OVERLAP).max(begin),
        };
        shown.retain(|_, at| *at >= since);
        if !is_full {
            tokio::time::sleep(EVERY).await;
        }
    }
}

fn print_one(event: &EventSummary, json: bool) -> anyhow::Result<()> {
    if json {
        return print_json_line(event);
    }
    print_event(event)
}

//! Which events a command means: named by their ids, or chosen by filters.

use anyhow::bail;
use common::{
    db::Connection,
    domain::{EventId, EventStatus},
    ops::{self, Counts, MAX_SELECTION, Selection},
    runtime::Clock,
};

use super::counts::Done;
use crate::{
    commands::event_args::{FilterArgs, event_id},
    print::{confirm, print, print_json},
};

/// Which failed events a filter means: dead ones, and what is asked for besides.
#[derive(Debug, clap::Args)]
pub(super) struct States {
    /// Refused events, too. A --code that is the reason of a refusal implies it.
    #[arg(long)]
    pub(super) refused: bool,
    /// Also refused events that only repeat an earlier one; implies --refused.
    #[arg(long)]
    pub(super) duplicates: bool,
}

#[derive(Debug, clap::Args)]
pub(super) struct Choice {
    /// Ids of events.
    #[arg(value_name = "EVENT", value_parser = event_id)]
    ids: Vec<EventId>,
    #[command(flatten)]
    filter: FilterArgs,
    #[command(flatten)]
    states: States,
    /// No restriction: all dead events (with --refused all refused ones, too).
    #[arg(long)]
    all: bool,
    /// How many at most; the latest are chosen.
    #[arg(long, value_name = "N", default_value_t = MAX_SELECTION, value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_SELECTION)))]
    limit: u32,
    /// Do not ask before what a filter chose is changed.
    #[arg(long)]
    yes: bool,
    /// Your name in the audit.
    #[arg(
        long,
        visible_alias = "as",
        env = "USER",
        default_value = "operator",
        value_name = "NAME"
    )]
    pub(super) actor: String,
    /// Print JSON.
    #[arg(long)]
    pub(super) json: bool,
}

impl States {
    pub(super) fn statuses(&self, filter: &FilterArgs, parked: bool) -> Vec<EventStatus> {
        let refused = self.refused || self.duplicates || filter.names_a_refusal();
        [
            (true, EventStatus::Dead),
            (refused, EventStatus::Refused),
            (parked, EventStatus::Parked),
        ]
        .into_iter()
        .filter_map(|(wanted, status)| wanted.then_some(status))
        .collect()
    }
}

impl Choice {
    /// The events that are meant, after asking where a filter chose them. `None`: there are none, and that was said.
    pub(super) async fn choose(
        self,
        conn: &mut Connection,
        parked: bool,
        verb: &str,
        clock: &Clock,
    ) -> anyhow::Result<Option<Selection>> {
        let filtered = self.filter.restricts() || self.all;
        if !self.ids.is_empty() {
            if filtered {
                bail!("name events by their ids or choose them by filters, not both");
            }
            return Ok(Some(Selection {
                ids: self.ids,
                more: false,
            }));
        }
        if !filtered {
            bail!(
                "which events? Name ids, restrict them (--org, --code, --kind, --order, --from, --to), or say --all"
            );
        }
        let statuses = self.states.statuses(&self.filter, parked);
        let mut filter = self.filter.filter(conn, statuses, clock.now()).await?;
        filter.duplicates = self.states.duplicates;
        let chosen = ops::select(conn, &filter, self.limit).await?;
        if chosen.ids.is_empty() {
            if self.json {
                print_json(&Done {
                    chosen: 0,
                    more: false,
                    counts: &Counts::default(),
                })?;
            } else {
                print("no events match")?;
            }
            return Ok(None);
        }
        let latest = if chosen.more {
            " (the latest; more match)"
        } else {
            ""
        };
        let events = format!("{} {}{latest}", chosen.ids.len(), plural(chosen.ids.len()));
        if !self.yes {
            confirm(&format!("{verb} {events}?"))?;
        } else if !self.json {
            print(format!("{verb} {events}"))?;
        }
        Ok(Some(chosen))
    }
}

fn plural(count: usize) -> &'static str {
    if count == 1 { "event" } else { "events" }
}

//! Failures by what they have in common, on the terminal: for `commissary dlq` and `commissary events`.

use std::fmt::Write as _;

use anyhow::Context as _;
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use common::{
    db,
    domain::EventStatus,
    ops::groups::{self, Group, Groups, MAX_GROUPED},
    runtime::{Clock, DbArgs},
};

use secrecy::SecretString;

use super::event_args::FilterArgs;
use crate::{
    print::{print, print_json},
    printable::line,
};

/// Characters of a line.
const WIDTH: usize = 80;
/// Organisations of a group that are named.
const NAMED: usize = 3;
/// From nothing to the most.
const BARS: [char; 9] = ['·', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

pub(super) const GROUPS_HELP: &str = "\
A fingerprint is the code and what it is about: the coupon or code by which a partner was looked for, the constraint of the database, or the
sentence of a refusal without its values. The bars show when they failed, from the first of all to the last.

--json prints {totals: {refused, dead, again}, grouped, from, to, groups}. A group has id (what --fingerprint takes), fingerprint, status,
code, detail (of the sample), events, again (tried more than once), first_at, last_at, orgs [{org, events}], sample (an event's id), and
parts: how many failed in each sixteenth of the time between from and to. Totals are of all that match, groups of the latest 100,000
(grouped). Fields are only added.

Examples:
  commissary dlq groups
  commissary dlq groups --org demo --from 2h
  commissary dlq groups --code unknown_partner --json | jq '.groups[] | {fingerprint, events}'";

#[derive(Debug, clap::Args)]
pub(super) struct GroupArgs {
    #[command(flatten)]
    db: DbArgs,
    #[command(flatten)]
    which: Which,
}

/// The same without the name of a subcommand, whose own URL must not be asked for twice.
#[derive(Debug, clap::Args)]
pub(super) struct Bare {
    /// PostgreSQL, as `postgres://user:password@host/database`.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, value_name = "URL")]
    database_url: Option<SecretString>,
    #[command(flatten)]
    which: Which,
}

#[derive(Debug, clap::Args)]
struct Which {
    #[command(flatten)]
    filter: FilterArgs,
    /// Also refusals that only repeat an earlier event.
    #[arg(long)]
    duplicates: bool,
    /// How many groups at most.
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: usize,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: GroupArgs, clock: &Clock) -> anyhow::Result<()> {
    show(&args.db.database_url, args.which, clock).await
}

pub(super) async fn run_bare(args: Bare, clock: &Clock) -> anyhow::Result<()> {
    let url = args
        .database_url
        .context("say where the database is: DATABASE_URL, or --database-url")?;
    show(&url, args.which, clock).await
}

async fn show(url: &SecretString, args: Which, clock: &Clock) -> anyhow::Result<()> {
    let pool = db::connect_patiently(url, "commissary groups").await?;
    let mut conn = pool.acquire().await?;
    let failed = vec![EventStatus::Refused, EventStatus::Dead];
    let mut filter = args.filter.filter(&mut conn, failed, clock.now()).await?;
    filter.duplicates = args.duplicates;
    let mut found = groups::groups(&mut conn, &filter).await?;
    let more = found.groups.len().saturating_sub(args.limit);
    found.groups.truncate(args.limit);
    if args.json {
        return print_json(&found);
    }
    print_groups(&found, more, clock.now())
}

fn print_groups(found: &Groups, more: usize, now: DateTime<Utc>) -> anyhow::Result<()> {
    print(totals(found))?;
    for group in &found.groups {
        print(card(group, now))?;
    }
    if more > 0 {
        print(format!("\n{more} more groups: say --limit"))?;
    }
    if let Some(first) = found.groups.first() {
        print(format!(
            "\none of them:      commissary dlq show {}\nall of a group:   commissary dlq list --fingerprint {}\nmended? then:     commissary dlq replay --fingerprint {}",
            first.sample, first.id, first.id
        ))?;
    }
    Ok(())
}

fn totals(found: &Groups) -> String {
    let totals = &found.totals;
    let mut text = format!(
        "{} refused, {} dead",
        thousands(totals.refused),
        thousands(totals.dead)
    );
    // Writing to a text cannot fail.
    if totals.again > 0 {
        let again = thousands(totals.again);
        write!(text, "; {again} of them failed again after a replay or a retry").unwrap_or_default();
    }
    if totals.refused + totals.dead > found.grouped {
        write!(text, "\ngroups of the latest {MAX_GROUPED}").unwrap_or_default();
    }
    text
}

/// A group in lines of [`WIDTH`] characters.
fn card(group: &Group, now: DateTime<Utc>) -> String {
    let again = match group.again {
        0 => String::new(),
        again => format!(", {} of them again", thousands(again)),
    };
    let lines = [
        format!(
            "{}  {}  {} {}{again}",
            group.id,
            bars(&group.parts),
            thousands(group.events),
            group.status.name()
        ),
        format!("  {}", group.fingerprint),
        format!(
            "  last {} ago, first {} ago ({})",
            ago(now - group.last_at),
            ago(now - group.first_at),
            group.first_at.to_rfc3339_opts(SecondsFormat::Secs, true)
        ),
        format!("  of {}", orgs(group)),
        format!("  such as {}", group.sample),
    ];
    let lines = lines.iter().map(|text| cut(&line(text)));
    format!("\n{}", lines.collect::<Vec<_>>().join("\n"))
}

fn orgs(group: &Group) -> String {
    let named = group.orgs.iter().take(NAMED);
    let named: Vec<String> = named
        .map(|of| {
            let org = of.org.as_deref().unwrap_or("nobody knows whom");
            format!("{org} ({})", thousands(of.events))
        })
        .collect();
    let more = match group.orgs.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more organisations"),
    };
    format!("{}{more}", named.join(", "))
}

/// The counts, the highest of them a full bar.
fn bars(parts: &[u64]) -> String {
    let most = parts.iter().copied().max().unwrap_or_default();
    let bar = |part: &u64| {
        let height = (part * 8)
            .checked_div(most)
            .map_or(0, |_| (part * 8).div_ceil(most));
        let height = usize::try_from(height).unwrap_or_default();
        BARS.get(height).copied().unwrap_or('█')
    };
    parts.iter().map(bar).collect()
}

/// As much as a line holds.
pub(super) fn cut(text: &str) -> String {
    if text.chars().count() <= WIDTH {
        return text.to_owned();
    }
    text.chars().take(WIDTH - 1).chain(['…']).collect()
}

fn ago(time: TimeDelta) -> String {
    let seconds = time.num_seconds().max(0);
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

pub(super) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_bars() {
        assert_eq!(
            [0, 999, 5_003, 1_234_567].map(thousands),
            ["0", "999", "5,003", "1,234,567"]
        );
        assert_eq!(bars(&[0, 1, 50, 100]), "·▁▄█");
        assert_eq!(bars(&[0, 0]), "··");
    }

    #[test]
    fn a_line_has_its_width_and_no_more() {
        assert_eq!(cut(&"é".repeat(80)).chars().count(), 80);
        assert_eq!(cut(&"é".repeat(99)).chars().count(), 80);
        assert!(cut(&"x".repeat(81)).ends_with('…'));
    }
}

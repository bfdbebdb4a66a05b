//! `commissary commissions approve` and `disapprove`.

use chrono::{NaiveDate, NaiveTime};
use common::{
    approval::{self, Decision, PendingFilter, Progress, Selection},
    bulk::MAX_SELECTION,
    db,
    runtime::{Clock, DbArgs},
};
use serde_json::json;

use super::shared::{bar, caller, org};
use crate::{
    commands::acting::Acting,
    print::{confirm, print, print_json},
    roles,
};

pub(super) const HELP: &str = "\
Chosen are the commissions that are pending when the command starts; what comes later is not among them, and what somebody else
decides meanwhile stays as it was decided. They are decided 500 at a time: an interrupted command is run again. Each is an event
and an entry of the audit trail.

--json prints {selected, changed, more, amounts}: amounts are text, by currency; more says that there are more than 100000, for
which the command is run again. With --dry-run changed is 0.

Examples:
  commissary commissions approve --org shop --before 2026-11-01 --dry-run
  commissary commissions approve --org shop --program partners --before 2026-11-01 --yes
  commissary commissions disapprove --org shop --affiliate janejameson";

#[derive(Debug, clap::Args)]
#[command(group(clap::ArgGroup::new("restriction").required(true).multiple(true)))]
pub(super) struct Choice {
    /// Whose commissions: the organisation's slug.
    #[arg(long, value_name = "SLUG")]
    org: String,
    /// Those of the sales of this program; a bonus belongs to none.
    #[arg(long, value_name = "SLUG", group = "restriction")]
    program: Option<String>,
    /// Those of this affiliate.
    #[arg(long, value_name = "SLUG", group = "restriction")]
    affiliate: Option<String>,
    /// Those created before this day, in UTC.
    #[arg(long, value_name = "DAY", group = "restriction")]
    before: Option<NaiveDate>,
    /// Only tell which would be decided.
    #[arg(long)]
    dry_run: bool,
    /// Do not ask before they are decided.
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    acting: Acting,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    db: DbArgs,
}

pub(super) async fn run(choice: Choice, approved: bool, clock: &Clock) -> anyhow::Result<()> {
    let pool = db::connect(&choice.db.database_url, 1, "commissary commissions").await?;
    let mut conn = pool.acquire().await?;
    let org = org(&mut conn, &choice.org).await?;
    let selection = approval::select(&mut conn, org, &choice.filter()).await?;
    // The pool has one connection.
    drop(conn);
    if choice.dry_run || selection.ids.is_empty() {
        return tell(&choice, approved, &selection, None);
    }
    let verb = if approved { "Approve" } else { "Disapprove" };
    if !choice.yes {
        let (count, amounts) = (selection.ids.len(), amounts(&selection));
        confirm(&format!("{verb} {count} commissions, {amounts} in all?"))?;
    }
    let ids = roles::event_ids(&pool).await?;
    let decision = Decision {
        approved,
        caller: caller(org, &choice.acting, clock),
    };
    let bar = bar(selection.ids.len());
    let decided = approval::decide(&pool, &ids, &selection.ids, &decision, |progress| {
        bar.set_position(u64::try_from(progress.done).unwrap_or_default());
    });
    let decided = decided.await;
    bar.finish_and_clear();
    tell(&choice, approved, &selection, Some(decided?))
}

impl Choice {
    fn filter(&self) -> PendingFilter {
        PendingFilter {
            scope: None,
            program: self.program.clone(),
            affiliate: self.affiliate.clone(),
            before: self.before.map(|day| day.and_time(NaiveTime::MIN).and_utc()),
        }
    }
}

fn tell(
    choice: &Choice,
    approved: bool,
    selection: &Selection,
    decided: Option<Progress>,
) -> anyhow::Result<()> {
    let selected = selection.ids.len();
    let changed = decided.map_or(0, |progress| progress.changed);
    if choice.json {
        let amounts = selection.amounts.iter();
        let amounts: serde_json::Map<_, _> = amounts
            .map(|(currency, amount)| (currency.clone(), amount.normalize().to_string().into()))
            .collect();
        return print_json(&json!({
            "selected": selected, "changed": changed, "more": selection.more, "amounts": amounts,
        }));
    }
    let done = if approved { "approved" } else { "disapproved" };
    match decided {
        None if selected == 0 => print("no pending commission matches")?,
        None => print(format!(
            "{selected} would be {done}, {} in all",
            amounts(selection)
        ))?,
        Some(_) => print(format!("{changed} {done}"))?,
    }
    if decided.is_some() && changed < selected {
        print(format!("{} had been decided meanwhile", selected - changed))?;
    }
    if selection.more {
        print(format!("there are more than {MAX_SELECTION}: run it again"))?;
    }
    Ok(())
}

/// Such as `82.5 USD and 12 EUR`.
fn amounts(selection: &Selection) -> String {
    let amounts = selection.amounts.iter();
    let amounts: Vec<_> = amounts
        .map(|(currency, amount)| format!("{} {currency}", amount.normalize()))
        .collect();
    amounts.join(" and ")
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[derive(Debug, clap::Parser)]
    struct Line {
        #[command(flatten)]
        choice: Choice,
    }

    fn choice(words: &str) -> Result<Choice, clap::Error> {
        let line = format!("approve --org shop --database-url postgres:///x {words}");
        Ok(Line::try_parse_from(line.split_whitespace())?.choice)
    }

    #[test]
    fn all_commissions_of_an_organisation_are_not_chosen_by_saying_nothing() {
        assert!(choice("").is_err() && choice("--yes").is_err());
        assert!(choice("--before yesterday").is_err());
        let both = choice("--program partners --before 2026-11-01").unwrap().filter();
        assert_eq!(both.program.as_deref(), Some("partners"));
        assert_eq!(both.before.unwrap().to_rfc3339(), "2026-11-01T00:00:00+00:00");
        assert_eq!(both.affiliate, None);
    }

    #[test]
    fn amounts_are_told_by_currency() {
        let amounts = [("EUR", "12.0000"), ("USD", "82.5000")];
        let selection = Selection {
            amounts: amounts
                .map(|(code, amount)| (code.to_owned(), amount.parse().unwrap()))
                .into(),
            ..Selection::default()
        };
        assert_eq!(super::amounts(&selection), "12 EUR and 82.5 USD");
    }
}

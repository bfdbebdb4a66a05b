//! `commissary commissions recalculate`: by what the rules of their time say now.

use std::{collections::BTreeMap, path::PathBuf};

use anyhow::{Context as _, bail};
use chrono::{DateTime, Utc};
use common::{
    catalog,
    db::{self, Pool},
    domain::{ConversionId, LeftAlone},
    message::EventIds,
    recalculation::{self, ConversionFilter, MAX_DIFFERENCES, Report, Request, Rules},
    runtime::{Clock, DbArgs},
};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::shared::{bar, caller, org};
use crate::{
    commands::{
        acting::Acting,
        event_args::{When, when},
        event_output::printable,
    },
    print::{confirm, print, print_json, table},
    roles,
};

pub(super) const HELP: &str = "\
A commission is calculated by the rules of its own time. Where those were changed backdated, this brings it to what they say now.
Chosen are the conversions that are there when the command starts. What would change is found by doing it and rolling back, told,
and done after a yes, 500 conversions at a time; each is an event and an entry of the audit trail. Run again, it changes nothing.

Amounts that a request said or somebody has set by hand are left alone. Attribution, limits and approval stay as they were
decided; no commission is added or taken away. Where a commission was paid, the difference is owed, or owed back.

--with shows what the rules of a catalog file would bring if they held from --rules-from on. It changes nothing, neither rules nor
commissions: apply the file, then recalculate.

--json prints {preview, selected, conversions, changed, refused, totals, left, commissions, more}: amounts are text; more says that
more commissions change than --limit lists.

Examples:
  commissary commissions recalculate --org shop --program partners --from 2026-11-20 --to 2026-11-27 --dry-run
  commissary commissions recalculate --org shop --program partners --from 2026-11-20 --with new-rates.toml --dry-run
  commissary commissions recalculate --org shop --affiliate janejameson --from 7days --yes";

#[derive(Debug, clap::Args)]
#[command(group(clap::ArgGroup::new("restriction").required(true).multiple(true)))]
pub(super) struct Choice {
    /// Whose commissions: the organisation's slug.
    #[arg(long, value_name = "SLUG")]
    org: String,
    /// Those of the sales of this program.
    #[arg(long, value_name = "SLUG", group = "restriction")]
    program: Option<String>,
    /// Those of this affiliate's sales, parents' commissions included.
    #[arg(long, value_name = "SLUG", group = "restriction")]
    affiliate: Option<String>,
    /// Those of sales from then on: a date, an RFC 3339 time, or how long ago, such as 90m or 2days.
    #[arg(long, value_name = "WHEN", value_parser = when, group = "restriction")]
    from: Option<When>,
    /// Those of sales before then: as --from; a date ends where the day begins.
    #[arg(long, value_name = "WHEN", value_parser = when, group = "restriction")]
    to: Option<When>,
    /// Suppose the rules of this catalog file.
    #[arg(long, value_name = "FILE", requires = "dry_run")]
    with: Option<PathBuf>,
    /// From when on they are supposed to hold; default: --from
    #[arg(long, value_name = "WHEN", value_parser = when, requires = "with")]
    rules_from: Option<When>,
    /// Only tell what would change.
    #[arg(long)]
    dry_run: bool,
    /// Do not ask before anything is changed.
    #[arg(long)]
    yes: bool,
    /// Commissions to list, at most.
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: usize,
    #[command(flatten)]
    acting: Acting,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    db: DbArgs,
}

pub(super) async fn run(choice: Choice, clock: &Clock) -> anyhow::Result<()> {
    let rules = choice.rules(clock.now())?;
    let pool = db::connect(&choice.db.database_url, 1, "commissary commissions").await?;
    let mut conn = pool.acquire().await?;
    let org = org(&mut conn, &choice.org).await?;
    let chosen = recalculation::select(&mut conn, org, &choice.filter(clock.now())?).await?;
    // The pool has one connection.
    drop(conn);
    let mut request = Request {
        caller: caller(org, &choice.acting, clock),
        preview: true,
        rules,
        limit: choice.limit.min(MAX_DIFFERENCES),
    };
    let ids = roles::event_ids(&pool).await?;
    // With --yes nobody waits to be told before.
    if choice.dry_run || !choice.yes {
        let found = recalculate(&pool, &ids, &chosen, &request).await?;
        if choice.dry_run || found.changed == 0 {
            return tell(&choice, &found, true);
        }
        if !choice.json {
            tell(&choice, &found, true)?;
        }
        let (count, amounts) = (found.changed, differences(&found));
        confirm(&format!("Change {count} commissions, {amounts} in all?"))?;
    }
    request.preview = false;
    let report = recalculate(&pool, &ids, &chosen, &request).await?;
    tell(&choice, &report, false)
}

async fn recalculate(
    pool: &Pool,
    ids: &EventIds,
    chosen: &[ConversionId],
    request: &Request,
) -> anyhow::Result<Report> {
    let bar = bar(chosen.len());
    let report = recalculation::recalculate(pool, ids, chosen, request, |done| {
        bar.set_position(u64::try_from(done).unwrap_or_default());
    });
    let report = report.await;
    bar.finish_and_clear();
    Ok(report?)
}

impl Choice {
    fn filter(&self, now: DateTime<Utc>) -> anyhow::Result<ConversionFilter> {
        let (from, before) = (
            self.from.map(|when| when.at(now)),
            self.to.map(|when| when.at(now)),
        );
        if let (Some(from), Some(before)) = (from, before)
            && from >= before
        {
            bail!("--from {from} is not before --to {before}");
        }
        Ok(ConversionFilter {
            scope: None,
            program: self.program.clone(),
            affiliate: self.affiliate.clone(),
            from,
            before,
        })
    }

    fn rules(&self, now: DateTime<Utc>) -> anyhow::Result<Option<Rules>> {
        let Some(path) = &self.with else {
            return Ok(None);
        };
        let Some(from) = self.rules_from.or(self.from) else {
            bail!("--with needs --rules-from: from when on are the rules supposed to hold?");
        };
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {name}"))?;
        match catalog::parse(&text) {
            Ok(file) => Ok(Some(Rules {
                file,
                from: from.at(now),
            })),
            Err(error) => bail!("{name} is wrong:\n{}", error.in_file(&name)),
        }
    }
}

fn tell(choice: &Choice, report: &Report, preview: bool) -> anyhow::Result<()> {
    if choice.json {
        return print_json(&json(report, preview));
    }
    if !report.differences.is_empty() {
        let mut rows = table(&[
            "commission",
            "conversion",
            "order",
            "affiliate",
            "from",
            "to",
            "difference",
        ]);
        for difference in &report.differences {
            let shown = |amount| format!("{} {}", difference.currency.shown(amount), difference.currency);
            rows.add_row([
                difference.commission.to_string(),
                difference.conversion.to_string(),
                printable(difference.external_id.as_deref()),
                printable(Some(&difference.affiliate)),
                shown(difference.from),
                shown(difference.to),
                shown(difference.to - difference.from),
            ]);
        }
        print(rows.trim_fmt())?;
    }
    if report.more() {
        print(format!("and {} more", report.changed - report.differences.len()))?;
    }
    let verb = if preview { "would change" } else { "changed" };
    print(match report.changed {
        0 => format!(
            "nothing {verb}: {} conversions are as the rules of their time say",
            report.selected
        ),
        count => format!(
            "{count} commissions of {} conversions {verb}, {} in all; {} conversions looked at",
            report.conversions,
            differences(report),
            report.selected
        ),
    })?;
    for line in left_alone(report.left) {
        print(line)?;
    }
    if report.refused > 0 {
        print(format!(
            "{} conversions could not be recalculated",
            report.refused
        ))?;
    }
    Ok(())
}

/// What was not touched, in words.
fn left_alone(left: LeftAlone) -> Vec<String> {
    let lines = [
        (left.explicit, "left alone, as the request said the amount"),
        (left.by_hand, "left alone, as somebody has set the amount"),
        (
            left.no_rule,
            "left alone, as the rules of their time know their type or level no more",
        ),
        (
            left.other_currency,
            "left alone, as the rules of their time pay in another currency",
        ),
        (
            left.unknown,
            "left alone, as an earlier version did not record how they were calculated",
        ),
        (
            left.missing_levels,
            "of parents not added, which the rules of the time would give",
        ),
    ];
    let lines = lines.into_iter().filter(|(count, _)| *count > 0);
    lines
        .map(|(count, why)| format!("{count} commissions {why}"))
        .collect()
}

/// Such as `-2.5 USD and 12 EUR`.
fn differences(report: &Report) -> String {
    let totals: Vec<_> = report
        .totals
        .iter()
        .map(|(currency, total)| format!("{} {currency}", (total.to - total.from).normalize()))
        .collect();
    totals.join(" and ")
}

fn json(report: &Report, preview: bool) -> Value {
    let text = |amount: Decimal| amount.normalize().to_string();
    let totals: BTreeMap<_, _> = report
        .totals
        .iter()
        .map(|(currency, total)| {
            let difference = text(total.to - total.from);
            (
                currency,
                json!({"from": text(total.from), "to": text(total.to), "difference": difference}),
            )
        })
        .collect();
    let commissions: Vec<Value> = report
        .differences
        .iter()
        .map(|difference| {
            json!({
                "id": difference.commission,
                "conversion_id": difference.conversion,
                "external_id": difference.external_id,
                "affiliate_id": difference.affiliate,
                "currency": difference.currency,
                "from": text(difference.from),
                "to": text(difference.to),
                "difference": text(difference.to - difference.from),
            })
        })
        .collect();
    json!({
        "preview": preview,
        "selected": report.selected,
        "conversions": report.conversions,
        "changed": report.changed,
        "refused": report.refused,
        "totals": totals,
        "left": report.left,
        "commissions": commissions,
        "more": report.more(),
    })
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
        let line = format!("recalculate --org shop --database-url postgres:///x {words}");
        Ok(Line::try_parse_from(line.split_whitespace())?.choice)
    }

    #[test]
    fn what_is_meant_is_said() {
        assert!(choice("").is_err() && choice("--yes").is_err());
        assert!(choice("--from yesterday").is_err());
        assert!(
            choice("--from 2026-11-20 --with rates.toml").is_err(),
            "rules are only supposed"
        );
        assert!(choice("--from 2026-11-20 --rules-from 2026-11-20 --dry-run").is_err());
        let now = DateTime::from_timestamp(1_795_176_000, 0).unwrap();
        let both = choice("--program partners --from 2026-11-01 --to 2026-11-08").unwrap();
        let filter = both.filter(now).unwrap();
        assert_eq!(filter.program.as_deref(), Some("partners"));
        assert_eq!(filter.from.unwrap().to_rfc3339(), "2026-11-01T00:00:00+00:00");
        assert_eq!(filter.before.unwrap().to_rfc3339(), "2026-11-08T00:00:00+00:00");
        assert!(
            choice("--from 2026-11-08 --to 2026-11-08")
                .unwrap()
                .filter(now)
                .is_err()
        );
        let error = choice("--program partners --with rates.toml --dry-run")
            .unwrap()
            .rules(now)
            .unwrap_err();
        assert!(error.to_string().contains("--rules-from"), "{error}");
    }

    #[test]
    fn what_is_left_alone_is_told() {
        let left = LeftAlone {
            explicit: 2,
            missing_levels: 1,
            ..LeftAlone::default()
        };
        let told = left_alone(left).join("\n");
        assert_eq!(told.lines().count(), 2);
        assert!(told.starts_with("2 commissions left alone"), "{told}");
    }
}

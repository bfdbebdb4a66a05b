//! `commissary explain`: why an order paid what it paid, or why not. Reads only.

use anyhow::{Context, bail};
use common::{
    db::{self, Connection, orgs},
    domain::OrgId,
    reads::explain::{self, Explanation, MAX_NAMED_ORGS},
    runtime::DbArgs,
};

use super::event_output::printable;
use crate::print::{print, print_json};

const HELP: &str = "\
What is told, step by step:
  in short      who gets how much of the order, and whether it is pending, approved or paid
  conversion    when it was sold and how it came; each thing that was sent and where it led; the click and its age; who keeps
                the customer; where the customer stood with the program's limits
  commission    its rule and since when that version holds, the exact amount and the rounded one, its approval, the payment
                that covers it, and each movement of its money
  afterwards    updates, refunds, chargebacks, deletion
  events        that named the order and had no effect (refused, parked, dead), each with its reason and where what it sent led
Deleted conversions, and unsigned ones that a signed order superseded, are told too. Events are kept for 30 days: of older ones
it is told what they did. Events that still wait or were discarded are in `commissary events list --order ORDER`.

--json prints {org, order, story, conversions, attempts, is_cut}: story has the sentences (title, lines), conversions and attempts
what they are made of. All money is text, such as \"15.00\". is_cut says that there is more than the limits let through. The same
comes from GET /v1/explain?external_id=ORDER.

An order of which nothing is known is an error, with exit code 1.

Examples:
  commissary explain ORD123
  commissary explain ORD123 --org demo --json | jq '.conversions[].commissions[] | {affiliate, amount, rule}'";

#[derive(Debug, clap::Args)]
#[command(after_long_help = HELP)]
pub(crate) struct Args {
    #[command(flatten)]
    db: DbArgs,
    /// The order's external id.
    #[arg(value_name = "ORDER")]
    order: String,
    /// Its organisation, by its slug; needed only where several have an order of this id.
    #[arg(long, value_name = "SLUG")]
    org: Option<String>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(args: Args) -> anyhow::Result<()> {
    let pool = db::connect(&args.db.database_url, 1, "commissary explain").await?;
    let mut conn = pool.acquire().await?;
    let org = org(&mut conn, &args).await?;
    // The pool has one connection.
    drop(conn);
    let found = match org {
        Some(org) => explain::find(&pool, org, &args.order, None).await?,
        None => None,
    };
    let explanation = found.with_context(|| unknown(&args))?;
    if args.json {
        return print_json(&explanation);
    }
    print(page(&explanation))
}

/// The organisation that is meant. `None`: none has the order.
async fn org(conn: &mut Connection, args: &Args) -> anyhow::Result<Option<OrgId>> {
    if let Some(slug) = &args.org {
        let org = orgs::by_slug(conn, slug).await?;
        return Ok(Some(
            org.with_context(|| format!("there is no organisation {slug:?}"))?,
        ));
    }
    let found = explain::orgs_with(conn, &args.order).await?;
    match found.as_slice() {
        [] => Ok(None),
        [(org, _)] => Ok(Some(*org)),
        several => {
            let named = several.iter().map(|(_, slug)| slug.as_str());
            let limit = usize::try_from(MAX_NAMED_ORGS).unwrap_or(usize::MAX);
            let mut named: Vec<_> = named.take(limit).collect();
            if several.len() > limit {
                named.push("others");
            }
            bail!(
                "several organisations have an order {:?}: say --org with one of {}",
                args.order,
                named.join(", ")
            )
        }
    }
}

fn unknown(args: &Args) -> String {
    let org = args
        .org
        .as_ref()
        .map_or_else(String::new, |org| format!(" in organisation {org:?}"));
    let order = &args.order;
    format!(
        "nothing is known of an order {order:?}{org}: ids are compared exactly; one sent a moment ago may still be on its way, \
         which `commissary events list --order {order}` shows"
    )
}

/// Chapters with their lines indented, without the control characters that callers may have sent.
fn page(explanation: &Explanation) -> String {
    let chapters = explanation.story.iter().map(|chapter| {
        let title = printable(Some(&chapter.title));
        let lines = chapter
            .lines
            .iter()
            .map(|line| format!("\n  {}", printable(Some(line))));
        title + &lines.collect::<String>()
    });
    chapters.collect::<Vec<_>>().join("\n\n")
}

#[cfg(test)]
mod tests {
    use common::reads::explain::Chapter;

    use super::*;

    #[test]
    fn chapters_are_apart_and_without_control_characters() {
        let chapter = |title: &str, line: &str| Chapter {
            title: title.into(),
            lines: vec![line.into(), "more".into()],
        };
        let explanation = Explanation {
            org: "demo".into(),
            order: "o".into(),
            story: vec![chapter("One", "comment: \u{1b}[31m"), chapter("Two", "line")],
            conversions: Vec::new(),
            attempts: Vec::new(),
            is_cut: false,
        };
        assert_eq!(
            page(&explanation),
            "One\n  comment: \u{fffd}[31m\n  more\n\nTwo\n  line\n  more"
        );
    }
}

//! `commissary rejections`: what was turned away before it became an event.

use common::{
    db,
    reads::rejections::{self, RejectionFilter, RejectionGroup},
    runtime::{Clock, DbArgs},
};

use super::{
    event_args::{When, when},
    of_org::org,
};
use crate::print::{print, print_json, table};

/// Show what was turned away before it became an event, those seen last first
///
/// A call that is refused at the door leaves no event, so nothing of it can be replayed: the caller has to send it again. Here is
/// which calls of which organisations were turned away, why, how often, and what the last of each kind looked like. Values are not
/// kept, but that of the field that was wrong; of what is personal only its form.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
The last 200 kinds of each organisation are kept. Calls without a valid key belong to none: they are in the metric
commissary_requests_rejected_total alone.

--json prints a list of {org, dialect, method, route, reason, field, message, sample, count, first_at, last_at}.

Examples:
  commissary rejections --org demo
  commissary rejections --reason invalid --field external_id --since 2days
  commissary rejections --json | jq '.[] | {org, route, field, count}'")]
pub(crate) struct Args {
    /// Only this organisation's
    #[arg(long, value_name = "SLUG")]
    org: Option<String>,
    /// Only calls in this wire format: yaplet, tapfiliate, affitor, affy, pixel, native
    #[arg(long)]
    dialect: Option<String>,
    /// Only for this reason, such as invalid, forbidden, rate_limited
    #[arg(long)]
    reason: Option<String>,
    /// Only where this field was wrong
    #[arg(long)]
    field: Option<String>,
    /// Seen from then on: a date, an RFC 3339 time, or how long ago, such as 90m or 2days
    #[arg(long, value_name = "WHEN", value_parser = when)]
    since: Option<When>,
    /// How many at most
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    limit: u32,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    db: DbArgs,
}

pub(crate) async fn run(args: Args, clock: &Clock) -> anyhow::Result<()> {
    let pool = db::connect(&args.db.database_url, 1, "commissary rejections").await?;
    let mut conn = pool.acquire().await?;
    let filter = RejectionFilter {
        org: org(&mut conn, args.org.as_deref()).await?,
        dialect: args.dialect,
        reason: args.reason,
        field: args.field,
        since: args.since.map(|when| when.at(clock.now())),
    };
    let groups = rejections::list(&mut conn, &filter, args.limit).await?;
    if args.json {
        return print_json(&groups);
    }
    if groups.is_empty() {
        return print("nothing was turned away");
    }
    let mut rows = table(&[
        "ORG",
        "COUNT",
        "LAST (UTC)",
        "CALL",
        "REASON",
        "FIELD",
        "ANSWER",
        "SAMPLE",
    ]);
    for group in &groups {
        rows.add_row(row(group));
    }
    print(rows.trim_fmt())?;
    if groups.len() == usize::try_from(args.limit).unwrap_or(usize::MAX) {
        print(format!("the latest {}; --limit shows more", args.limit))?;
    }
    Ok(())
}

fn row(group: &RejectionGroup) -> [String; 8] {
    let route = if group.route.is_empty() {
        "(no call is there)"
    } else {
        &group.route
    };
    [
        group.org.clone(),
        group.count.to_string(),
        group.last_at.format("%Y-%m-%d %H:%M:%S").to_string(),
        format!("{} {route}", group.method),
        group.reason.clone(),
        group.field.clone(),
        group.message.clone(),
        group.sample.to_string(),
    ]
}

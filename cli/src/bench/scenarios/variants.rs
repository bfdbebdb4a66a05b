//! Harder workloads than the even one, each compared with an easier one on the same installation.

use super::at_most::Comparison;
use crate::bench::{
    context::Context,
    figure::Target,
    load::{Dialect, Workload},
    targets,
};

/// Old customers: so many of a hundred sales, of so many customers.
const OLD: u64 = 20;
const FEW: u64 = 10_000;
const MANY: u64 = 1_000_000;
/// Of a hundred sales, those of one affiliate; and requests that are sent again.
const HOT: u64 = 90;
const REPEATED: u64 = 30;

/// 90 % of the sales are of one affiliate, whose balance every batch changes.
pub(super) async fn hot(context: &mut Context) -> anyhow::Result<()> {
    let comparison = Comparison {
        scenario: "hot",
        names: ["even spread", "90 % of one affiliate"],
        target: Target::AtLeast(targets::HARDER),
    };
    let hot = |even: Workload| Workload {
        of_one_affiliate: HOT,
        ..even
    };
    compare(context, comparison, (|even| even, hot)).await
}

/// A fifth of the sales are of customers that have bought before: of few, who come again and again, or of many.
pub(super) async fn customers(context: &mut Context) -> anyhow::Result<()> {
    let comparison = Comparison {
        scenario: "customers",
        names: ["20 % of 1,000,000 old ones", "20 % of 10,000 old ones"],
        target: Target::AtLeast(targets::HARDER),
    };
    let of = |customers| {
        move |even: Workload| Workload {
            of_old_customers: (OLD, customers),
            ..even
        }
    };
    compare(context, comparison, (of(MANY), of(FEW))).await
}

/// Every third request or so is an earlier one again, which is answered with its refusal.
pub(super) async fn duplicates(context: &mut Context) -> anyhow::Result<()> {
    let comparison = Comparison {
        scenario: "duplicates",
        names: ["none", "30 % sent again"],
        target: Target::None,
    };
    let again = |even: Workload| Workload {
        repeated: REPEATED,
        ..even
    };
    compare(context, comparison, (|even| even, again)).await
}

/// Sales in several dialects, and refunds and updates of them.
pub(super) async fn mix(context: &mut Context) -> anyhow::Result<()> {
    let comparison = Comparison {
        scenario: "mix",
        names: ["sales of one dialect", "dialects, refunds, updates"],
        target: Target::None,
    };
    let mixed = |even: Workload| Workload {
        dialect: Dialect::Mixed,
        ..even
    };
    compare(context, comparison, (|even| even, mixed)).await
}

async fn compare(
    context: &mut Context,
    comparison: Comparison,
    (easier, harder): (impl Fn(Workload) -> Workload, impl Fn(Workload) -> Workload),
) -> anyhow::Result<()> {
    let mut installation = context.installation(context.queue()).await?;
    installation.start().await?;
    let floors = context.floors(&installation).await?;
    let even = Workload::even(&installation.key);
    let workloads = [easier(even.clone()), harder(even)];
    comparison
        .run(context, &mut installation, &floors, workloads)
        .await?;
    context.finish(installation, comparison.scenario).await
}

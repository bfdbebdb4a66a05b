//! Large tables: the same load on an empty database and on one that has stored many sales.

use common::db::stored;

use super::at_most::at_most;
use crate::bench::{
    context::Context,
    figure::{Figure, FloorRates, Ratio, Target},
    load::Workload,
    targets,
};

const NAME: &str = "stored";

pub(super) async fn run(context: &mut Context) -> anyhow::Result<()> {
    let empty = one(context, "an empty database", 0).await?;
    let rate = empty.per_second;
    let of_b = Ratio::new("B", rate.unwrap_or_default(), empty.floors.b, Target::None);
    context.figures.push(empty.judged(of_b));
    let name = format!("{} conversions stored", context.plan.stored);
    let full = one(context, &name, context.plan.stored).await?;
    let target = Target::AtLeast(targets::HARDER);
    let ratio = Ratio::new(
        "an empty database",
        full.per_second.unwrap_or_default(),
        rate,
        target,
    );
    context.figures.push(full.judged(ratio));
    Ok(())
}

async fn one(context: &mut Context, name: &str, sales: u64) -> anyhow::Result<Figure> {
    let mut installation = context.installation(context.queue()).await?;
    if sales > 0 {
        context.say(&format!("{NAME}: storing {sales} sales"))?;
        stored::store(&installation.database, sales, |done| {
            context.show(&format!("{NAME}: {done} of {sales} sales are stored"));
        })
        .await?;
    }
    installation.start().await?;
    let floors = context.floors(&installation).await?;
    let before = floors.rates().await?;
    let workload = Workload::even(&installation.key);
    let mut figure = at_most(context, (NAME, name), &mut installation, workload).await?;
    figure.floors = FloorRates::mean(before, floors.rates().await?);
    context.finish(installation, &format!("{NAME}: {name}")).await?;
    Ok(figure)
}

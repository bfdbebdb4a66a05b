//! Callers that wait for the outcome, as the five dialects' documents promise it.

use anyhow::Context as _;

use crate::bench::{
    context::Context,
    figure::{Figure, FloorRates, Ratio, Target},
    floors::Floors,
    installation::Installation,
    load::{Closed, Shape, Workload},
    measure::measure,
    targets,
};

const NAME: &str = "sync";
/// The number of connections that has a target of its own.
const SEVERAL: usize = 64;

pub(super) async fn run(context: &mut Context) -> anyhow::Result<()> {
    let mut installation = context.installation(context.queue()).await?;
    installation.start().await?;
    let floors = context.floors(&installation).await?;
    context.say("sync: floors")?;
    let mut before = floors.rates().await?;
    let mut all = Vec::new();
    for connections in context.plan.connections.clone() {
        context.say(&format!("sync: {connections} connections"))?;
        let figure = at(context, &mut installation, connections).await?;
        let after = floors.rates().await?;
        let mean = FloorRates::mean(before, after);
        before = after;
        let figure = judged(context, &floors, figure, mean, connections).await?;
        context.figures.push(figure.clone());
        all.push((figure, connections));
    }
    let best = all.into_iter().max_by(|(one, _), (other, _)| {
        let rate = |figure: &Figure| figure.per_second.unwrap_or_default();
        rate(one).total_cmp(&rate(other))
    });
    let (best, connections) = best.context("no number of connections was measured")?;
    let rate = best.per_second.unwrap_or_default();
    context.best = Some((rate, connections));
    let ratio = Ratio::new("B", rate, best.floors.b, Target::AtLeast(targets::SYNC));
    let maximum = Figure {
        name: "maximum".to_owned(),
        ..best
    };
    context.figures.push(maximum.judged(ratio));
    context.finish(installation, NAME).await
}

/// The most of a running installation, with how many connections, for what needs it and was not told before.
///
/// # Errors
/// When the servers do not answer.
pub(super) async fn maximum(
    context: &mut Context,
    installation: &mut Installation,
) -> anyhow::Result<(f64, usize)> {
    if let Some(best) = context.best {
        return Ok(best);
    }
    context.say("finding the maximum")?;
    let connections = context.plan.most_connections();
    let figure = at(context, installation, connections).await?;
    let best = (figure.per_second.unwrap_or_default(), connections);
    context.best = Some(best);
    Ok(best)
}

async fn at(
    context: &Context,
    installation: &mut Installation,
    connections: usize,
) -> anyhow::Result<Figure> {
    let shape = Shape::Closed(Closed {
        connections,
        most: None,
    });
    let workload = Workload::even(&installation.key);
    let name = if connections == 1 {
        "1 connection".to_owned()
    } else {
        format!("{connections} connections")
    };
    let how = (shape, context.plan.times());
    measure((NAME, &name), installation, &context.servers, workload, how).await
}

async fn judged(
    context: &mut Context,
    floors: &Floors,
    mut figure: Figure,
    mean: FloorRates,
    connections: usize,
) -> anyhow::Result<Figure> {
    figure.floors = mean;
    let rate = figure.per_second.unwrap_or_default();
    if connections > 1 {
        let target = if connections == SEVERAL {
            Target::AtLeast(targets::SYNC_64)
        } else {
            Target::None
        };
        return Ok(figure.judged(Ratio::new("B", rate, mean.b, target)));
    }
    let (publish, commit) = floors.alone().await?;
    let half = figure.latency.map(|latency| latency.p50);
    context.alone_ms = half;
    let target = Target::AtMost(targets::ONE_CONNECTION);
    let alone = publish.map(|publish| publish + commit);
    let ratio = half.and_then(|half| Ratio::new("publish + commit", half, alone, target));
    Ok(figure.judged(ratio))
}

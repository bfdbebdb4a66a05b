//! A backlog: events that were accepted while no worker ran, until all of them are applied.

use std::time::Duration;

use tokio::time::Instant;

use super::sync;
use crate::bench::{
    context::Context,
    figure::{Figure, FloorRates, Ratio, Target},
    floors::Floors,
    installation::Installation,
    load::{Closed, Paced, Shape, Times, Workload, send},
    measure::{count, per_second},
    meter::Meter,
    targets,
};

const NAME: &str = "drain";
/// Connections that fill the queue.
const CONNECTIONS: usize = 64;
/// Longer than any backlog takes to come in.
const FILLING: Duration = Duration::from_hours(1);

pub(super) async fn run(context: &mut Context) -> anyhow::Result<()> {
    let mut installation = context.installation(context.queue()).await?;
    let floors = context.floors(&installation).await?;
    installation.start_ingest().await?;
    // What waits for outcomes that do not come gets receipts: so a shop's orders queue up while workers are away.
    let waiting = Workload::even(&installation.key);
    let receipts = Workload {
        receipts: true,
        ..waiting.clone()
    };
    let took = alone(
        context,
        &mut installation,
        &floors,
        ("what callers waited for", waiting.clone()),
    )
    .await?;
    alone(
        context,
        &mut installation,
        &floors,
        ("what nobody waited for", receipts),
    )
    .await?;
    beside(context, &mut installation, &floors, (waiting, took)).await?;
    context.finish(installation, NAME).await
}

/// The backlog by itself; gives how long it took.
async fn alone(
    context: &mut Context,
    installation: &mut Installation,
    floors: &Floors,
    (name, workload): (&str, Workload),
) -> anyhow::Result<Duration> {
    let filled = fill(context, installation, workload).await?;
    let before = floors.rates().await?;
    context.say(&format!("drain: {filled} events, {name}"))?;
    let started = Instant::now();
    installation.start_worker().await?;
    let (mut figure, took) = until_drained(context, installation, name, (filled, started)).await?;
    stop_worker(installation).await?;
    figure.floors = FloorRates::mean(before, floors.rates().await?);
    let rate = figure.per_second.unwrap_or_default();
    let ratio = Ratio::new("D", rate, figure.floors.d, Target::AtLeast(targets::DRAIN));
    context.figures.push(figure.judged(ratio));
    Ok(took)
}

/// The backlog while others come at half of the maximum, for somewhat longer than it took by itself.
async fn beside(
    context: &mut Context,
    installation: &mut Installation,
    floors: &Floors,
    (workload, took): (Workload, Duration),
) -> anyhow::Result<()> {
    installation.start_worker().await?;
    let (maximum, connections) = sync::maximum(context, installation).await?;
    installation.settle().await?;
    stop_worker(installation).await?;
    let filled = fill(context, installation, workload.clone()).await?;
    let before = floors.rates().await?;
    let name = "while half of the maximum comes";
    context.say(&format!("drain: {filled} events, {name}"))?;
    let started = Instant::now();
    installation.start_worker().await?;
    let Some(address) = installation.ingest.as_ref().map(|ingest| ingest.address) else {
        anyhow::bail!("the ingest does not run");
    };
    let paced = Shape::Paced(Paced {
        per_second: maximum / 2.0,
        connections: connections * 2,
    });
    let times = Times {
        warm_up: Duration::ZERO,
        measured: took.mul_f64(1.5),
    };
    let sent = send(address, workload, paced, times).await?;
    installation.note(&sent);
    let came = sent.tally.outcomes + sent.tally.receipts;
    let (mut figure, _) = until_drained(context, installation, name, (filled + came, started)).await?;
    stop_worker(installation).await?;
    // They are looked at only when the load is over.
    figure.costs = None;
    figure.floors = FloorRates::mean(before, floors.rates().await?);
    let rate = figure.per_second.unwrap_or_default();
    let ratio = Ratio::new("D", rate, figure.floors.d, Target::None);
    context.figures.push(figure.judged(ratio));
    Ok(())
}

/// Puts the backlog into the queue; gives how many were taken.
async fn fill(context: &Context, installation: &mut Installation, workload: Workload) -> anyhow::Result<u64> {
    context.say(&format!(
        "drain: filling the queue with {} events",
        context.plan.rows
    ))?;
    let Some(address) = installation.ingest.as_ref().map(|ingest| ingest.address) else {
        anyhow::bail!("the ingest does not run");
    };
    let shape = Shape::Closed(Closed {
        connections: CONNECTIONS,
        most: Some(context.plan.rows),
    });
    let times = Times {
        warm_up: FILLING,
        measured: Duration::ZERO,
    };
    let sent = send(address, workload, shape, times).await?;
    installation.note(&sent);
    Ok(sent.tally.outcomes + sent.tally.receipts)
}

/// The figure of so many events that a worker applies which was started then, and how long it took.
async fn until_drained(
    context: &Context,
    installation: &Installation,
    name: &str,
    (events, started): (u64, Instant),
) -> anyhow::Result<(Figure, Duration)> {
    let meter = Meter::of(installation, &context.servers).await;
    let before = meter.look().await?;
    installation.settle().await?;
    let took = started.elapsed();
    let after = meter.look().await?;
    let figure = Figure {
        per_second: Some(per_second(events, took)),
        costs: Some(after.since(&before, count(events))),
        ..Figure::new(NAME, name)
    };
    Ok((figure, took))
}

async fn stop_worker(installation: &mut Installation) -> anyhow::Result<()> {
    match installation.worker.take() {
        Some(worker) => worker.stop().await,
        None => Ok(()),
    }
}

//! One measurement of a running installation: the load, and what it cost meanwhile.

use std::time::Duration;

use anyhow::Context as _;
use tokio::time::sleep;

use super::{
    figure::Figure,
    installation::Installation,
    load::{Shape, Tally, Times, Workload, send},
    meter::Meter,
    servers::Servers,
};

/// Sends `workload` to the installation's ingest and gives the figure, without floors.
///
/// # Errors
/// When the servers do not answer.
pub(super) async fn measure(
    figure: (&str, &str),
    installation: &mut Installation,
    servers: &Servers,
    workload: Workload,
    (shape, times): (Shape, Times),
) -> anyhow::Result<Figure> {
    let ingest = installation.ingest.as_ref().context("the ingest does not run")?;
    let meter = Meter::of(installation, servers).await;
    let looks = async {
        sleep(times.warm_up).await;
        let before = meter.look().await?;
        sleep(times.measured).await;
        anyhow::Ok((before, meter.look().await?))
    };
    let (sent, looks) = tokio::join!(send(ingest.address, workload, shape, times), looks);
    let (mut sent, (before, after)) = (sent?, looks?);
    installation.note(&sent);
    let (scenario, name) = figure;
    let events = count(sent.tally.measured);
    Ok(Figure {
        per_second: Some(per_second(sent.tally.measured, times.measured)),
        latency: sent.tally.latency(),
        costs: (events > 0.0).then(|| after.since(&before, events)),
        load_share: Some(sent.processor_share),
        receipts_percent: receipts_percent(&sent.tally),
        ..Figure::new(scenario, name)
    })
}

fn receipts_percent(tally: &Tally) -> Option<f64> {
    let answered = tally.outcomes + tally.receipts + tally.refused;
    (answered > 0).then(|| 100.0 * count(tally.receipts) / count(answered))
}

pub(super) fn per_second(events: u64, time: Duration) -> f64 {
    count(events) / time.as_secs_f64()
}

#[expect(clippy::cast_precision_loss, reason = "a measurement")]
pub(super) fn count(events: u64) -> f64 {
    events as f64
}

//! Callers that ask for a receipt: how fast events become durable, with and without workers that apply them meanwhile.

use super::at_most::connections;
use crate::bench::{
    context::Context,
    figure::{FloorRates, Ratio, Target},
    floors::http_per_second,
    load::{Closed, Shape, Workload},
    measure::measure,
    targets,
};

const NAME: &str = "async";

pub(super) async fn run(context: &mut Context) -> anyhow::Result<()> {
    let mut installation = context.installation(context.queue()).await?;
    installation.start_ingest().await?;
    let floors = context.floors(&installation).await?;
    let workload = Workload {
        receipts: true,
        ..Workload::even(&installation.key)
    };
    let connections = connections(context);
    let shape = Shape::Closed(Closed {
        connections,
        most: None,
    });
    let how = (shape, context.plan.times());
    for (name, with_worker) in [("no worker", false), ("with a worker", true)] {
        if with_worker {
            context.say("async: applying what was accepted")?;
            installation.start_worker().await?;
            installation.settle().await?;
        }
        context.say(&format!("async: {name}"))?;
        let before = floors.rates().await?;
        let h_before = http_per_second(
            workload.clone(),
            connections,
            context.plan.floor_time(),
            &context.logs,
        )
        .await?;
        let mut figure = measure(
            (NAME, name),
            &mut installation,
            &context.servers,
            workload.clone(),
            how,
        )
        .await?;
        let h_after = http_per_second(
            workload.clone(),
            connections,
            context.plan.floor_time(),
            &context.logs,
        )
        .await?;
        figure.floors = FloorRates::mean(before, floors.rates().await?);
        figure.floors.h = Some(f64::midpoint(h_before, h_after));
        let rate = figure.per_second.unwrap_or_default();
        let ratio = if with_worker {
            Ratio::new(
                "B",
                rate,
                figure.floors.b,
                Target::AtLeast(targets::ASYNC_WITH_WORKERS),
            )
        } else {
            lesser(rate, figure.floors)
        };
        context.figures.push(figure.judged(ratio));
    }
    context.say("async: applying what was accepted")?;
    context.finish(installation, NAME).await
}

/// Of what two floors allow the lesser.
fn lesser(rate: f64, floors: FloorRates) -> Option<Ratio> {
    let of_b = floors.b? * targets::ASYNC_OF_B;
    let of_h = floors.h? * targets::ASYNC_OF_H;
    let name = if of_b <= of_h {
        format!("{} B", targets::ASYNC_OF_B)
    } else {
        format!("{} H", targets::ASYNC_OF_H)
    };
    Ratio::new(&name, rate, Some(of_b.min(of_h)), Target::AtLeast(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn receipts_are_held_against_the_lesser_of_two_floors() {
        let floors = |b, h| FloorRates {
            b: Some(b),
            d: None,
            h: Some(h),
        };
        let ratio = lesser(20_000.0, floors(10_000.0, 40_000.0)).unwrap();
        assert_eq!((ratio.of.as_str(), ratio.value), ("2 B", 1.0));
        let ratio = lesser(14_000.0, floors(20_000.0, 20_000.0)).unwrap();
        assert_eq!((ratio.of.as_str(), ratio.value), ("0.7 H", 1.0));
        assert_eq!(lesser(1.0, FloorRates::default()), None);
    }
}

//! Callers that come at their own rate, whether others were answered or not: how long they wait.

use crate::bench::{
    context::Context,
    figure::{FloorRates, Ratio, Target},
    load::{Paced, Shape, Workload},
    measure::measure,
    targets,
};

use super::sync;

const NAME: &str = "paced";
/// More are not needed at a rate that is reached with fewer.
const MOST_CONNECTIONS: usize = 1024;
/// Parts of the maximum, the first with a target.
const PARTS: [(f64, &str); 2] = [(0.5, "half of the maximum"), (0.8, "80 % of the maximum")];

pub(super) async fn run(context: &mut Context) -> anyhow::Result<()> {
    let mut installation = context.installation(context.queue()).await?;
    installation.start().await?;
    let floors = context.floors(&installation).await?;
    let (maximum, connections) = sync::maximum(context, &mut installation).await?;
    let mut before = floors.rates().await?;
    for (number, (part, name)) in PARTS.into_iter().enumerate() {
        context.say(&format!("paced: {name}"))?;
        let shape = Shape::Paced(Paced {
            per_second: maximum * part,
            // Twice as many as were busy at the maximum: so no request that is due waits for a connection.
            connections: (connections * 2).min(MOST_CONNECTIONS),
        });
        let workload = Workload::even(&installation.key);
        let how = (shape, context.plan.times());
        let mut figure = measure((NAME, name), &mut installation, &context.servers, workload, how).await?;
        let after = floors.rates().await?;
        figure.floors = FloorRates::mean(before, after);
        before = after;
        let p99 = figure.latency.map(|latency| latency.p99);
        let (limit, of) = limit(context.alone_ms);
        let target = if number == 0 {
            Target::AtMost(1.0)
        } else {
            Target::None
        };
        let ratio = p99.and_then(|p99| Ratio::new(&of, p99, Some(limit), target));
        context.figures.push(figure.judged(ratio));
    }
    context.finish(installation, NAME).await
}

/// Milliseconds that 99 % of the answers may take, and what that is.
fn limit(alone_ms: Option<f64>) -> (f64, String) {
    let times = alone_ms.map_or(0.0, |alone| alone * targets::PACED_P99_TIMES);
    let limit = targets::PACED_P99_MS.max(times);
    (limit, format!("p99 of {limit:.0} ms"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_machine_has_a_wider_limit() {
        assert_eq!(limit(None), (50.0, "p99 of 50 ms".to_owned()));
        assert_eq!(limit(Some(4.0)), limit(None));
        assert_eq!(limit(Some(20.0)), (60.0, "p99 of 60 ms".to_owned()));
    }
}

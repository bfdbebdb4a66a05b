//! As many answers as there can be over one number of connections: what variants are compared by.

use crate::bench::{
    context::Context,
    figure::{Figure, FloorRates, Ratio, Target},
    floors::Floors,
    installation::Installation,
    load::{Closed, Shape, Workload},
    measure::measure,
};

/// Where the maximum is on most machines.
const MANY: usize = 256;

/// A figure of `installation` under `workload`, without floors.
///
/// # Errors
/// When the servers do not answer.
pub(super) async fn at_most(
    context: &Context,
    figure: (&str, &str),
    installation: &mut Installation,
    workload: Workload,
) -> anyhow::Result<Figure> {
    let (scenario, name) = figure;
    context.say(&format!("{scenario}: {name}"))?;
    let shape = Shape::Closed(Closed {
        connections: connections(context),
        most: None,
    });
    let how = (shape, context.plan.times());
    measure(figure, installation, &context.servers, workload, how).await
}

/// With how many: those of the maximum, if that was measured.
pub(super) fn connections(context: &Context) -> usize {
    let (_, best) = context.best.unwrap_or_default();
    if best > 0 {
        best
    } else {
        context.plan.most_connections().min(MANY)
    }
}

/// What is compared with what, and what it must reach.
#[derive(Clone, Copy, Debug)]
pub(super) struct Comparison {
    pub(super) scenario: &'static str,
    /// The easier case and the harder one.
    pub(super) names: [&'static str; 2],
    pub(super) target: Target,
}

impl Comparison {
    /// Measures the easier case before and after the harder one, on one installation, so that what changes meanwhile changes both.
    ///
    /// # Errors
    /// When the servers do not answer.
    pub(super) async fn run(
        self,
        context: &mut Context,
        installation: &mut Installation,
        floors: &Floors,
        [easier, harder]: [Workload; 2],
    ) -> anyhow::Result<()> {
        let [name, harder_name] = self.names;
        let rates = floors.rates().await?;
        let mut before = at_most(context, (self.scenario, name), installation, easier.clone()).await?;
        let mut hard = at_most(context, (self.scenario, harder_name), installation, harder).await?;
        let after = at_most(context, (self.scenario, name), installation, easier).await?;
        let mean = FloorRates::mean(rates, floors.rates().await?);
        let rate = |figure: &Figure| figure.per_second.unwrap_or_default();
        before.per_second = Some(f64::midpoint(rate(&before), rate(&after)));
        for figure in [&mut before, &mut hard] {
            figure.floors = mean;
        }
        let ratio = Ratio::new(name, rate(&hard), before.per_second, self.target);
        let of_b = Ratio::new("B", rate(&before), mean.b, Target::None);
        context.figures.push(before.judged(of_b));
        context.figures.push(hard.judged(ratio));
        Ok(())
    }
}

//! Without a broker: the spool in the database is the queue.

use super::at_most::at_most;
use crate::bench::{
    context::Context,
    figure::{FloorRates, Ratio, Target},
    installation::Queue,
    load::Workload,
    targets,
};

const NAME: &str = "spool";

/// Through RabbitMQ before, then through the spool, each in a fresh database.
pub(super) async fn run(context: &mut Context) -> anyhow::Result<()> {
    let mut by_broker = None;
    let queues = [(Queue::Broker, "RabbitMQ"), (Queue::Spool, "the spool")];
    for (queue, name) in queues {
        if queue == Queue::Broker && context.queue() == Queue::Spool {
            continue;
        }
        let mut installation = context.installation(queue).await?;
        installation.start().await?;
        let floors = context.floors(&installation).await?;
        let before = floors.rates().await?;
        let workload = Workload::even(&installation.key);
        let mut figure = at_most(context, (NAME, name), &mut installation, workload).await?;
        figure.floors = FloorRates::mean(before, floors.rates().await?);
        let rate = figure.per_second.unwrap_or_default();
        let ratio = if queue == Queue::Broker {
            by_broker = Some(rate);
            Ratio::new("B", rate, figure.floors.b, Target::None)
        } else {
            Ratio::new("RabbitMQ", rate, by_broker, Target::AtLeast(targets::SPOOL))
        };
        context.figures.push(figure.judged(ratio));
        context.finish(installation, &format!("{NAME}: {name}")).await?;
    }
    Ok(())
}

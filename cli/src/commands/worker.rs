//! `commissary worker`: applies events.

use api::Health;
use common::{
    db,
    http::serve,
    queue::Instances,
    runtime::{AmqpArgs, Clock, DbArgs},
};
use tokio_util::sync::CancellationToken;

use crate::roles;

/// Apply events from the broker and the spool. Run two or more: when one dies, the others take over its events.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    db: DbArgs,
    #[command(flatten)]
    amqp: AmqpArgs,
    /// Batches applied side by side; each takes up to two database connections.
    #[arg(long, env = "COMMISSARY_LANES", default_value_t = worker::DEFAULT_LANES, value_name = "N",
          value_parser = clap::value_parser!(u16).range(1..=16))]
    lanes: u16,
    /// Serve /healthz, /readyz and /metrics on this address.
    #[arg(long, env = "COMMISSARY_LISTEN", value_name = "ADDRESS")]
    listen: Option<std::net::SocketAddr>,
}

pub(crate) async fn run(args: Args, clock: &Clock) -> anyhow::Result<()> {
    let stop = roles::shutdown::token()?;
    let pool = db::connect(
        &args.db.database_url,
        worker::connections(args.lanes),
        "commissary worker",
    )
    .await?;
    let metrics = roles::metrics(&stop)?;
    let links = CancellationToken::new();
    let broker = roles::broker::connect(&args.amqp, &links)?.map(|broker| worker::Broker {
        consume: broker.consume,
        publish: broker.publish,
        topology: broker.topology,
    });
    if let Some(address) = args.listen {
        let listener = roles::listen(address).await?;
        let ready = roles::health::watch(pool.clone(), None, stop.clone());
        tokio::spawn(serve(
            listener,
            api::health(Health { ready, metrics }),
            stop.clone(),
        ));
    }
    tracing::info!(lanes = args.lanes, "worker is ready");
    let worker = worker::Worker {
        pool,
        clock: clock.clone(),
        broker,
        instances: Instances::default(),
        lanes: args.lanes,
    };
    worker::run(worker, stop).await;
    links.cancel();
    Ok(())
}

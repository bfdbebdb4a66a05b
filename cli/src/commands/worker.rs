//! `commissary worker`: applies events.

use api::Health;
use common::{
    db,
    http::{HttpArgs, serve, with_layers},
    queue::Instances,
    runtime::{AmqpArgs, Clock, DbArgs},
};

use crate::roles::{
    self, Process,
    health::Watched,
    metrics::{MetricsArgs, serve_metrics},
};

/// Apply events from the broker and the spool. Run two or more: when one dies, the others take over its events.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    db: DbArgs,
    #[command(flatten)]
    amqp: AmqpArgs,
    #[command(flatten)]
    http: HttpArgs,
    #[command(flatten)]
    metrics: MetricsArgs,
    /// Batches applied side by side; each takes up to two database connections.
    #[arg(long, env = "COMMISSARY_LANES", default_value_t = worker::DEFAULT_LANES, value_name = "N",
          value_parser = clap::value_parser!(u16).range(1..=16))]
    lanes: u16,
    /// Serve /healthz, /readyz and /metrics on this address.
    #[arg(long, env = "COMMISSARY_LISTEN", value_name = "ADDRESS")]
    listen: Option<std::net::SocketAddr>,
}

pub(crate) async fn run(args: Args, clock: &Clock) -> anyhow::Result<()> {
    let process = Process::start()?;
    let pool = db::connect(
        &args.db.database_url,
        worker::connections(args.lanes),
        "commissary worker",
    )
    .await?;
    let metrics = serve_metrics(&process, args.metrics, process.metrics()?)?;
    let broker = process.broker(&args.amqp)?;
    let progress = worker::Progress::default();
    let watched = Watched {
        pool: pool.clone(),
        broker: broker.clone(),
        clock: clock.clone(),
        role: "worker",
        accepts: false,
        progress: Some(progress.clone()),
    };
    let ready = roles::health::watch(watched, &process.upkeep);
    if let Some(address) = args.listen {
        let listener = roles::listen(address)?;
        tracing::info!(address = %listener.local_addr()?, "worker serves health and metrics");
        let requests = process.requests();
        let router = with_layers(api::health(Health { ready, metrics }));
        requests.spawn(
            "server",
            serve(listener, router, requests.clone(), args.http.limits()),
        );
    }
    let worker = worker::Worker {
        pool,
        clock: clock.clone(),
        broker,
        instances: Instances::default(),
        lanes: args.lanes,
        progress,
    };
    worker::start(&worker, &process.group("worker", worker::DRAIN_TIMEOUT));
    tracing::info!(lanes = args.lanes, "worker is ready");
    process.finish().await
}

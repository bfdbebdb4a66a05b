//! `commissary ingest`: the data plane as a process of its own.

use std::net::SocketAddr;

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

/// Accept events over HTTP. Run as many as you like behind a load balancer; workers apply what they accept.
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
    /// The address to serve on.
    #[arg(
        long,
        env = "COMMISSARY_LISTEN",
        default_value = "127.0.0.1:8080",
        value_name = "ADDRESS"
    )]
    listen: SocketAddr,
}

pub(crate) async fn run(args: Args, clock: &Clock) -> anyhow::Result<()> {
    let process = Process::start()?;
    let listener = roles::listen(args.listen)?;
    let pool = db::connect(
        &args.db.database_url,
        roles::ingest::CONNECTIONS,
        "commissary ingest",
    )
    .await?;
    let ids = roles::event_ids(&pool).await?;
    let metrics = serve_metrics(&process, args.metrics, process.metrics()?)?;
    let broker = process.broker(&args.amqp)?;
    let watched = Watched {
        pool: pool.clone(),
        broker: broker.clone(),
        clock: clock.clone(),
        role: "ingest",
        accepts: true,
        progress: None,
    };
    let ready = roles::health::watch(watched, &process.upkeep);
    let keys = roles::keys(&process, &pool).await?;
    let instances = Instances::default();
    let (ingest, requests) =
        roles::ingest::start(&process, &pool, keys, ids, broker.as_ref(), instances, clock);
    let router = with_layers(ingest::routes(ingest).merge(api::health(Health { ready, metrics })));
    let router = roles::keeping_rejections(&process, router, &pool, clock);
    tracing::info!(address = %listener.local_addr()?, "ingest is ready");
    requests.spawn(
        "server",
        serve(listener, router, requests.clone(), args.http.limits()),
    );
    process.finish().await
}

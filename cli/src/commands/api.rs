//! `commissary api`: the control plane as a process of its own.

use std::net::SocketAddr;

use api::{Api, Health};
use common::{
    db,
    http::{HttpArgs, serve},
    runtime::{Clock, DbArgs},
};

use crate::roles::{
    self, Process,
    api::ApiArgs,
    health::Watched,
    metrics::{MetricsArgs, serve_metrics},
};

/// Receipts, reads and operations over HTTP. Needs the database, not the broker.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    db: DbArgs,
    #[command(flatten)]
    http: HttpArgs,
    #[command(flatten)]
    metrics: MetricsArgs,
    #[command(flatten)]
    api: ApiArgs,
    /// The address to serve on.
    #[arg(
        long,
        env = "COMMISSARY_LISTEN",
        default_value = "127.0.0.1:8081",
        value_name = "ADDRESS"
    )]
    listen: SocketAddr,
}

pub(crate) async fn run(args: Args, clock: &Clock) -> anyhow::Result<()> {
    let process = Process::start()?;
    let geoip = args.api.geoip()?;
    let public_url = args.api.public_url()?;
    let listener = roles::listen(args.listen)?;
    let pool = db::connect(&args.db.database_url, roles::api::CONNECTIONS, "commissary api").await?;
    let ids = roles::event_ids(&pool).await?;
    let metrics = serve_metrics(&process, args.metrics, process.metrics()?)?;
    let watched = Watched {
        pool: pool.clone(),
        broker: None,
        clock: clock.clone(),
        role: "api",
        accepts: false,
        progress: None,
    };
    let ready = roles::health::watch(watched, &process.upkeep);
    let api = Api::new(pool.clone(), ids, clock.clone(), Health { ready, metrics })
        .with_keys(roles::keys(&process, &pool).await?)
        .with_geoip(geoip)
        .with_public_url(public_url);
    let router = api::router(api, ingest::openapi());
    let router = roles::keeping_rejections(&process, router, &pool, clock);
    tracing::info!(address = %listener.local_addr()?, "api is ready");
    let requests = process.requests();
    requests.spawn(
        "server",
        serve(listener, router, requests.clone(), args.http.limits()),
    );
    process.finish().await
}

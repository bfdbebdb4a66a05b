//! `commissary ingest`: the data plane as a process of its own.

use std::net::SocketAddr;

use anyhow::Context as _;
use api::Health;
use common::{
    db,
    http::{serve, with_layers},
    queue::Instances,
    runtime::{AmqpArgs, Clock, DbArgs},
};
use tokio_util::sync::CancellationToken;

use crate::roles;

/// Accept events over HTTP. Run as many as you like behind a load balancer; workers apply what they accept.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    db: DbArgs,
    #[command(flatten)]
    amqp: AmqpArgs,
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
    let stop = roles::shutdown::token()?;
    let listener = roles::listen(args.listen).await?;
    let pool = db::connect(
        &args.db.database_url,
        roles::ingest::CONNECTIONS,
        "commissary ingest",
    )
    .await?;
    let ids = roles::event_ids(&pool).await?;
    let metrics = roles::metrics(&stop)?;
    let links = CancellationToken::new();
    let broker = roles::broker::connect(&args.amqp, &links)?;
    let running = roles::ingest::start(&pool, ids, broker.as_ref(), Instances::default(), clock).await?;
    let ready = roles::health::watch(pool.clone(), broker.map(|broker| broker.publish), stop.clone());
    let router =
        with_layers(ingest::routes(running.ingest.clone()).merge(api::health(Health { ready, metrics })));
    tracing::info!(address = %listener.local_addr()?, "ingest is ready");
    serve(listener, router, stop).await.context("serving")?;
    running.finish().await;
    links.cancel();
    Ok(())
}

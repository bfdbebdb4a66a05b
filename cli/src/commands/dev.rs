//! `commissary dev`: everything in one process, for trying and developing.

use std::{net::SocketAddr, path::PathBuf};

use anyhow::Context as _;
use api::{Api, GeoIp, Health};
use common::{
    catalog, db,
    http::{HttpArgs, serve, with_layers},
    queue::Instances,
    runtime::{AmqpArgs, Clock},
};
use secrecy::{ExposeSecret, SecretString};
use tokio::net::TcpListener;

use super::migrate;
use crate::{
    dev::cluster::Cluster,
    print,
    roles::{self, Process, api::ApiArgs, health::Watched},
};

/// Run everything in one process: a private PostgreSQL from the installed binaries, the queue, a worker, the demo world.
///
/// The data stays in the state directory; Ctrl-C ends everything cleanly, and starting again goes on where it was.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The address to serve on.
    #[arg(
        long,
        env = "COMMISSARY_LISTEN",
        default_value = "127.0.0.1:8080",
        value_name = "ADDRESS"
    )]
    listen: SocketAddr,
    /// Where the private database lives.
    #[arg(
        long,
        env = "COMMISSARY_STATE",
        default_value = ".commissary",
        value_name = "DIR"
    )]
    state: PathBuf,
    /// Throw the private database away and start over.
    #[arg(long, conflicts_with = "database_url")]
    fresh: bool,
    /// Use this database instead of a private one: it is migrated, and the demo world applied to it.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, value_name = "URL")]
    database_url: Option<SecretString>,
    #[command(flatten)]
    amqp: AmqpArgs,
    #[command(flatten)]
    http: HttpArgs,
    #[command(flatten)]
    api: ApiArgs,
}

pub(crate) async fn run(args: Args, clock: &Clock) -> anyhow::Result<()> {
    let process = Process::start()?;
    // Before anything is started: a taken port is the commonest mistake.
    let listener = roles::listen(args.listen)?;
    let geoip = args.api.geoip()?;
    if args.fresh {
        anyhow::ensure!(
            args.database_url.is_none(),
            "--fresh throws the private database away, and DATABASE_URL_FILE names another: leave one of them out"
        );
        Cluster::destroy(&args.state).await?;
    }
    let cluster = if args.database_url.is_none() {
        Some(Cluster::start(&args.state).await?)
    } else {
        None
    };
    let private = cluster.as_ref().map(|cluster| SecretString::from(cluster.url()));
    let url = args.database_url.clone().or(private).context("no database")?;
    let served = everything(&args, &url, (listener, geoip), clock, process).await;
    if let Some(cluster) = cluster {
        cluster.stop().await.context("stopping the database")?;
    }
    served
}

async fn everything(
    args: &Args,
    url: &SecretString,
    (listener, geoip): (TcpListener, Option<GeoIp>),
    clock: &Clock,
    process: Process,
) -> anyhow::Result<()> {
    let lanes = worker::DEFAULT_LANES;
    let connections = roles::ingest::CONNECTIONS + worker::connections(lanes) + roles::api::CONNECTIONS;
    let pool = db::connect(url, connections, "commissary dev").await?;
    migrate::migrate(&pool, clock).await?;
    let demo = catalog::parse(catalog::DEMO).context("the demo world")?;
    catalog::sync(&pool, &demo, clock.now())
        .await
        .context("applying the demo world")?;
    let ids = roles::event_ids(&pool).await?;
    let metrics = process.metrics()?;

    // They end the other way round: no new requests, then what was taken becomes durable, then the workers finish, then the
    // connections end.
    let broker = process.broker(&args.amqp)?;
    let progress = worker::Progress::default();
    let watched = Watched {
        pool: pool.clone(),
        broker: broker.clone(),
        clock: clock.clone(),
        role: "dev",
        accepts: true,
        progress: Some(progress.clone()),
    };
    let ready = roles::health::watch(watched, &process.upkeep);
    let instances = Instances::default();
    let worker = worker::Worker {
        pool: pool.clone(),
        clock: clock.clone(),
        broker: broker.clone(),
        instances: instances.clone(),
        lanes,
        progress,
    };
    worker::start(&worker, &process.group("worker", worker::DRAIN_TIMEOUT));
    let keys = roles::keys(&process, &pool).await?;
    let (ingest, requests) = roles::ingest::start(
        &process,
        &pool,
        keys.clone(),
        ids.clone(),
        broker.as_ref(),
        instances,
        clock,
    );
    let api = Api::new(
        pool.clone(),
        ids,
        clock.clone(),
        Health {
            ready,
            metrics: Some(metrics),
        },
    )
    .with_keys(keys)
    .with_geoip(geoip)
    .with_public_url(args.api.public_url()?);
    let router = with_layers(ingest::routes(ingest).merge(api::routes(api, ingest::openapi())));
    let router = roles::keeping_rejections(&process, router, &pool, clock);
    welcome(listener.local_addr()?, args, url)?;
    requests.spawn(
        "server",
        serve(listener, router, requests.clone(), args.http.limits()),
    );
    process.finish().await?;
    pool.close().await;
    Ok(())
}

fn welcome(address: SocketAddr, args: &Args, url: &SecretString) -> anyhow::Result<()> {
    // A private cluster's URL holds no secret; one that was given may, and its owner has it already.
    let database = if args.database_url.is_some() {
        String::new()
    } else {
        format!(
            "\n  export DATABASE_URL='{}'    # for commissary events, dlq, ledger, keys in another terminal\n",
            url.expose_secret()
        )
    };
    let queue = if args.amqp.amqp_url.is_some() {
        "RabbitMQ, and the Postgres spool when it is away"
    } else {
        "the Postgres spool"
    };
    print::print(format!(
        r#"
Commissary serves on http://{address}  (queue: {queue})

  keys of the demo world: demo-key (everything), demo-read-key (read), demo-program-key (one program), other-key (another organisation)

  curl -X POST http://{address}/api/affiliates/track/PARTNER_CODE \
    -H 'Y-API-Key: demo-key' -H 'Content-Type: application/json' \
    -d '{{"order_id": "order_12345", "total_amount": 100.00, "customer": {{"email": "jane@example.com"}}}}'

  curl -H 'X-Api-Key: demo-key' 'http://{address}/1.7/pb/con/c/?referral_code=nwjinmy&amount=100&external_id=ORD005'
{database}
Ctrl-C ends it; the data stays in {}.
"#,
        args.state.display()
    ))
}

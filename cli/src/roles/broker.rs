//! Connections to the broker for a role.

use anyhow::Context as _;
use common::{
    queue::amqp::{AmqpUrl, ConnectionManager, Topology},
    runtime::AmqpArgs,
};
use secrecy::ExposeSecret;
use tokio_util::sync::CancellationToken;

/// The managers of one process: publishing and consuming never share a connection.
#[derive(Clone, Debug)]
pub(crate) struct Broker {
    pub(crate) publish: ConnectionManager,
    pub(crate) consume: ConnectionManager,
    pub(crate) topology: Topology,
}

/// Starts the managers, if there is a broker. They connect in the background: without it events pass through the spool.
///
/// # Errors
/// When the URL is malformed.
pub(crate) fn connect(args: &AmqpArgs, stop: &CancellationToken) -> anyhow::Result<Option<Broker>> {
    let Some(url) = &args.amqp_url else {
        return Ok(None);
    };
    let url: AmqpUrl = url.expose_secret().parse().context("AMQP_URL")?;
    let topology = Topology::new(&args.amqp_prefix);
    Ok(Some(Broker {
        publish: ConnectionManager::start(url.clone(), "publish", topology.clone(), stop.clone()),
        consume: ConnectionManager::start(url, "consume", topology.clone(), stop.clone()),
        topology,
    }))
}

//! A listener for `/metrics` alone, where its numbers are not everybody's.

use std::net::SocketAddr;

use common::{
    http::{Limits, serve, with_layers},
    telemetry::metrics::Metrics,
};

use super::Process;

/// Where metrics are served.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct MetricsArgs {
    /// Serve /metrics on this address, and no longer beside the rest.
    #[arg(long, env = "COMMISSARY_METRICS_LISTEN", value_name = "ADDRESS")]
    metrics_listen: Option<SocketAddr>,
}

/// The routes of `metrics` for the process's own listener: none when they have one of their own, which is served from here on.
///
/// # Errors
/// When its address is taken.
pub(crate) fn serve_metrics(
    process: &Process,
    args: MetricsArgs,
    metrics: Metrics,
) -> anyhow::Result<Option<Metrics>> {
    let Some(address) = args.metrics_listen else {
        return Ok(Some(metrics));
    };
    let listener = super::listen_as("--metrics-listen", address)?;
    let tasks = process.requests();
    tracing::info!(address = %listener.local_addr()?, "metrics are served");
    let router = with_layers(api::metrics(metrics));
    tasks.spawn(
        "server of metrics",
        serve(listener, router, tasks.clone(), Limits::default()),
    );
    Ok(None)
}

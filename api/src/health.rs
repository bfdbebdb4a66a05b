//! Whether the process lives, whether it can take work, and its metrics. No key is needed, and nothing secret is told.

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use common::telemetry::metrics::Metrics;
use tokio::sync::watch;
use utoipa_axum::{router::OpenApiRouter, routes};

/// Whether the process can do its work, as whoever keeps watch says; if not, why.
#[derive(Clone, Debug)]
pub struct Ready(watch::Receiver<Option<String>>);

impl Ready {
    /// `None`: it can.
    pub fn of(trouble: watch::Receiver<Option<String>>) -> Self {
        Self(trouble)
    }
}

#[derive(Clone, Debug)]
pub struct Health {
    pub ready: Ready,
    /// `None`: they are served elsewhere.
    pub metrics: Option<Metrics>,
}

/// `/healthz`, `/readyz`, and `/metrics` if it is here.
pub fn health(health: Health) -> Router {
    routes(health).into()
}

/// `/metrics` alone.
pub fn metrics(metrics: Metrics) -> Router {
    of_metrics().with_state(metrics).into()
}

pub(crate) fn routes(health: Health) -> OpenApiRouter {
    let routes = OpenApiRouter::default()
        .routes(routes!(healthz))
        .routes(routes!(readyz))
        .with_state(health.ready);
    match health.metrics {
        Some(metrics) => routes.merge(of_metrics().with_state(metrics)),
        None => routes,
    }
}

fn of_metrics() -> OpenApiRouter<Metrics> {
    OpenApiRouter::default().routes(routes!(print_metrics))
}

/// The process lives
#[utoipa::path(
    get,
    path = "/healthz",
    tag = "operations",
    security(()),
    responses((status = 200, content_type = "text/plain"))
)]
async fn healthz() -> &'static str {
    "ok\n"
}

/// The process can do its work: an ingest accepts events durably by some path, a worker applies what waits, an api reads the database
#[utoipa::path(
    get,
    path = "/readyz",
    tag = "operations",
    security(()),
    responses((status = 200, content_type = "text/plain"), (status = 503, content_type = "text/plain"))
)]
async fn readyz(State(ready): State<Ready>) -> Response {
    match &*ready.0.borrow() {
        None => "ready\n".into_response(),
        Some(why) => (StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {why}\n")).into_response(),
    }
}

/// Metrics for Prometheus
#[utoipa::path(
    get,
    path = "/metrics",
    tag = "operations",
    security(()),
    responses((status = 200, content_type = "text/plain"))
)]
async fn print_metrics(State(metrics): State<Metrics>) -> Response {
    let prometheus = "text/plain; version=0.0.4; charset=utf-8";
    ([(header::CONTENT_TYPE, prometheus)], metrics.render()).into_response()
}

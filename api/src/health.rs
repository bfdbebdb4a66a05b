//! Whether the process lives, whether it can take work, and its metrics. No key is needed, and nothing secret is told.

use std::time::Duration;

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use common::{db::Pool, telemetry::metrics::Metrics};
use tokio::sync::watch;
use utoipa_axum::{router::OpenApiRouter, routes};

/// A database that has not answered by then counts as gone.
const READY_TIMEOUT: Duration = Duration::from_secs(1);

/// How readiness is known.
#[derive(Clone, Debug)]
pub enum Ready {
    /// The database answers: the api role.
    Database(Pool),
    /// Somebody else keeps watch: an ingest is ready while it can accept durably by any path.
    Watched(watch::Receiver<bool>),
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

/// Events can be accepted durably by some path
#[utoipa::path(
    get,
    path = "/readyz",
    tag = "operations",
    security(()),
    responses((status = 200, content_type = "text/plain"), (status = 503, content_type = "text/plain"))
)]
async fn readyz(State(ready): State<Ready>) -> Response {
    let ready = match &ready {
        // Taking a connection from the pool asks the server whether it is still there.
        Ready::Database(pool) => {
            matches!(
                tokio::time::timeout(READY_TIMEOUT, pool.acquire()).await,
                Ok(Ok(_))
            )
        }
        Ready::Watched(ready) => *ready.borrow(),
    };
    if ready {
        "ready\n".into_response()
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not ready\n").into_response()
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

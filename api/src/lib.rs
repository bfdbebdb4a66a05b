//! The control plane: receipts, REST 1.6 reads, health and metrics. Everything here reads; nothing posts money.
//!
//! Without a fallback of its own, so that it can be merged with the ingest's router: a process of this role alone adds
//! [`with_fallbacks`].

mod affitor_reads;
mod affy_status;
mod auth;
mod explain;
mod health;
mod json;
mod limits;
mod open_reads;
mod openapi;
mod problem;
mod receipts;
#[cfg(test)]
mod receipts_tests;
mod rest;
#[cfg(test)]
mod test_api;

use std::sync::Arc;

use axum::{Router, middleware::from_fn};
use common::{
    db::{Connection, DbError, Pool},
    http::cors,
    message::EventIds,
    runtime::Clock,
    telemetry::metrics::Metrics,
};

pub use health::{Health, Ready, health};
pub use problem::Problem;
use problem::{method_not_allowed, not_found};

/// What the handlers share.
#[derive(Debug)]
pub struct Api {
    pool: Pool,
    ids: EventIds,
    clock: Clock,
    limits: limits::Limits,
    open_reads: open_reads::OpenReads,
    health: Health,
}

impl Api {
    pub fn new(pool: Pool, ids: EventIds, clock: Clock, ready: Ready, metrics: Metrics) -> Self {
        Self {
            pool,
            ids,
            clock,
            limits: limits::Limits::default(),
            open_reads: open_reads::OpenReads::default(),
            health: Health { ready, metrics },
        }
    }

    /// A connection for one request.
    async fn connection(&self) -> Result<impl std::ops::DerefMut<Target = Connection> + use<>, DbError> {
        self.pool
            .acquire()
            .await
            .map_err(|error| DbError::new("api.connection", error))
    }
}

/// All routes: [`routes`], [`health()`] and their description.
pub fn router(api: Api) -> Router {
    let health = health(api.health.clone());
    routes(api).merge(health).merge(openapi::router())
}

/// What a process of this role alone answers where there is no route, and to pages of other origins.
pub fn with_fallbacks(router: Router) -> Router {
    router
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(from_fn(cors))
}

/// The routes that read; all but AFFY's status and Affitor's look for test events need a key. A process that also serves the ingest's health merges these alone.
pub fn routes(api: Api) -> Router {
    let api = Arc::new(api);
    Router::new()
        .merge(affy_status::router())
        .merge(receipts::router(&api))
        .merge(explain::router(&api))
        .merge(rest::router(&api))
        .merge(affitor_reads::router(&api))
        .with_state(api)
}

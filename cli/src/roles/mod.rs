//! The roles as functions, so that `dev` can run them together and each command alone.

pub(crate) mod api;
pub(crate) mod health;
pub(crate) mod ingest;
pub(crate) mod metrics;
mod process;

use std::{net::SocketAddr, time::Duration};

use anyhow::Context as _;
use axum::Router;
use common::{
    db::Pool,
    http::bind,
    keyring::{self, Keys},
    message::EventIds,
    rejections::{self, Rejections, noting_rejections},
    runtime::Clock,
};
use tokio::net::TcpListener;

pub(crate) use process::{Process, supervisor};

/// Binds the address of a server.
///
/// # Errors
/// With what to do when the port is taken.
pub(crate) fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    listen_as("--listen", address)
}

/// The same for another option.
fn listen_as(option: &str, address: SocketAddr) -> anyhow::Result<TcpListener> {
    match bind(address) {
        Ok(listener) => Ok(listener),
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {
            anyhow::bail!(
                "{address} is taken by another program: stop it, or choose another with {option} 127.0.0.1:PORT"
            )
        }
        Err(error) => Err(error).with_context(|| format!("listening on {address}")),
    }
}

/// `routes`, whose rejections a task of `process` writes to the database.
pub(crate) fn keeping_rejections(process: &Process, routes: Router, pool: &Pool, clock: &Clock) -> Router {
    let rejections = Rejections::default();
    let (kept, pool) = (rejections.clone(), pool.clone());
    process.upkeep.keep_draining("rejections", move |stop| {
        rejections::keep(kept.clone(), pool.clone(), stop)
    });
    noting_rejections(routes, rejections, clock.clone())
}

/// How long the first load of the keys may take.
const FIRST_LOAD_DEADLINE: Duration = Duration::from_secs(10);

/// The keys of `process`, which a task keeps fresh.
///
/// # Errors
/// When they cannot be read.
pub(crate) async fn keys(process: &Process, pool: &Pool) -> anyhow::Result<Keys> {
    let keys = Keys::of_database(pool.clone());
    keys.reload(FIRST_LOAD_DEADLINE)
        .await
        .context("reading the keys")?;
    let (kept, pool) = (keys.clone(), pool.clone());
    process.upkeep.keep_draining("keys", move |stop| {
        keyring::refresh(kept.clone(), pool.clone(), stop)
    });
    Ok(keys)
}

/// What issues and verifies event ids, with the installation's secret.
pub(crate) async fn event_ids(pool: &Pool) -> anyhow::Result<EventIds> {
    let secret = common::db::settings::receipt_secret(pool)
        .await
        .context("reading the receipt secret: has `commissary migrate` been run?")?;
    EventIds::new(&secret).context("the receipt secret cannot be used")
}

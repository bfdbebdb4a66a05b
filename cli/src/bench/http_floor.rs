//! The floor of HTTP: a server whose handler only parses the JSON of a body. It is started as a process of its own by the measurement.

use std::net::SocketAddr;

use anyhow::Context as _;
use axum::{Json, Router, body::Bytes, http::StatusCode};
use serde_json::{Value, json};

use crate::roles;

/// Serves until the process is asked to end.
///
/// # Errors
/// When the address is taken.
pub(crate) async fn serve(address: SocketAddr) -> anyhow::Result<()> {
    let supervisor = roles::supervisor("requests under way are dropped")?;
    let listener = roles::listen(address)?;
    let server = axum::serve(listener, Router::new().fallback(parse));
    supervisor
        .stop()
        .run_until_cancelled(server.into_future())
        .await
        .transpose()
        .context("serving")?;
    Ok(())
}

async fn parse(body: Bytes) -> (StatusCode, Json<Value>) {
    if body.is_empty() {
        return (StatusCode::OK, Json(json!({ "ready": true })));
    }
    match serde_json::from_slice::<Value>(&body) {
        Ok(_) => (StatusCode::OK, Json(json!({ "success": true }))),
        Err(error) => (
            StatusCode::BAD_REQUEST,
            Json(json!({ "error": error.to_string() })),
        ),
    }
}

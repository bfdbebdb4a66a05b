//! A client that hangs up neither undoes nor half-does anything.

use axum::{
    extract::Request,
    http::StatusCode,
    middleware::Next,
    response::{IntoResponse, Response},
};
use tracing::Instrument;

use crate::Problem;

/// A layer: what is behind it runs to its end even when nobody waits for the answer any more.
pub(crate) async fn to_its_end(request: Request, next: Next) -> Response {
    let work = tokio::spawn(next.run(request).in_current_span());
    match work.await {
        Ok(response) => response,
        // Let the layer around all routes see a panic.
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_stopped) => {
                Problem::new(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable").into_response()
            }
        },
    }
}

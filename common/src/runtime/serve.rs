//! The HTTP server loop of all roles: limits on slow and idle clients, and an end that lets open requests finish.

use std::{convert::Infallible, io, time::Duration};

use axum::{Router, body::Body, extract::Request, response::Response};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

/// A client must have sent its headers by then.
pub const HEADER_TIMEOUT: Duration = Duration::from_secs(5);
/// Bytes of a request line and headers, at most: a URL of 8 KiB and room for headers beside it.
pub const MAX_HEAD_BYTES: usize = 32 * 1024;
/// How long open requests may go on after the stop was asked for.
pub const DRAIN_TIMEOUT: Duration = Duration::from_secs(15);
/// After a failed accept (no file descriptors left, say) the loop breathes before it tries again.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    #[error("open requests did not end within {DRAIN_TIMEOUT:?}")]
    DrainTimeout,
    #[error("the listener has no address")]
    Listener(#[source] io::Error),
}

/// Serves `router` until `stop`, then lets open requests finish.
///
/// # Errors
/// [`ServeError::DrainTimeout`] when some did not finish in time.
pub async fn serve(listener: TcpListener, router: Router, stop: CancellationToken) -> Result<(), ServeError> {
    let address = listener.local_addr().map_err(ServeError::Listener)?;
    let graceful = GracefulShutdown::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => break,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, %address, "accepting a connection failed");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        // Answers are small: waiting to fill a packet would only delay them.
        if stream.set_nodelay(true).is_err() {
            continue;
        }
        let router = router.clone();
        let service = hyper::service::service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
            answer(router.clone(), request.map(Body::new))
        });
        let connection = hyper::server::conn::http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADER_TIMEOUT)
            .max_buf_size(MAX_HEAD_BYTES)
            .serve_connection(TokioIo::new(stream), service);
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection ended early");
            }
        });
    }
    drop(listener);
    tokio::time::timeout(DRAIN_TIMEOUT, graceful.shutdown())
        .await
        .map_err(|_elapsed| ServeError::DrainTimeout)
}

async fn answer(router: Router, request: Request) -> Result<Response, Infallible> {
    router.oneshot(request).await
}

//! The HTTP server loop of all roles: so many connections, which end by themselves when their clients are slow, silent or deaf, and
//! an end that lets open requests finish.
//!
//! `limits` has the numbers, `stream` the times, `open` the places, `bodies` the memory; in `arrival` a request waits for its body.

mod arrival;
mod bare_errors;
mod bodies;
mod body;
mod connection;
mod forwarded;
mod limits;
mod network;
mod open;
mod proxies;
mod settings;
mod stream;
#[cfg(test)]
mod tests;
mod turn_away;

use std::{
    convert::Infallible,
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use axum::{Router, body::Body, extract::Request, response::Response};
use hyper::body::{Body as _, Incoming};
use hyper_util::{rt::TokioIo, server::graceful::GracefulShutdown};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tower::ServiceExt;

pub(in crate::http) use bodies::Held;
pub use connection::Connection;
pub use limits::{
    CROWDED_IDLE_TIMEOUT, HEADER_TIMEOUT, IDLE_TIMEOUT, Limits, MAX_BODIES_BYTES, MAX_CLIENT_CONNECTIONS,
    MAX_CONNECTIONS, MAX_HEAD_BYTES, SLOWEST_READER, WRITE_TIMEOUT,
};
pub(in crate::http) use network::network;
pub use proxies::{NoNetwork, TrustedProxies};
pub use settings::HttpArgs;

use crate::runtime::TaskGroup;
use body::RequestBody;
use connection::Server;
use limits::SEND_BUFFER_BYTES;
use stream::Stream;

/// How long open requests may go on after the stop was asked for.
pub const DRAIN_TIMEOUT: Duration = Duration::from_secs(15);
/// After a failed accept (no file descriptors left, say) the loop breathes before it tries again.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// Connections that wait to be accepted.
const BACKLOG: u32 = 1_024;

#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    #[error("open requests did not end within {DRAIN_TIMEOUT:?}")]
    DrainTimeout,
    #[error("the listener has no address")]
    Listener(#[source] io::Error),
}

/// Binds the address of a server.
///
/// # Errors
/// When it is taken, or not this machine's.
pub fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address.ip() {
        IpAddr::V4(_) => TcpSocket::new_v4()?,
        IpAddr::V6(_) => TcpSocket::new_v6()?,
    };
    socket.set_reuseaddr(true)?;
    // Its connections have it, too.
    socket.set_send_buffer_size(SEND_BUFFER_BYTES)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Serves `router` within `limits` until the end of `tasks`, to which its connections belong; then lets open requests finish.
///
/// # Errors
/// [`ServeError::DrainTimeout`] when some did not finish in time.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    tasks: TaskGroup,
    limits: Limits,
) -> Result<(), ServeError> {
    let address = listener.local_addr().map_err(ServeError::Listener)?;
    let graceful = GracefulShutdown::new();
    let server = Server::new(limits);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = tasks.stop().cancelled() => break,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, %address, "accepting a connection failed");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        serve_connection(&server, stream, peer.ip(), &router, &graceful, &tasks);
    }
    drop(listener);
    tokio::time::timeout(DRAIN_TIMEOUT, graceful.shutdown())
        .await
        .map_err(|_elapsed| ServeError::DrainTimeout)
}

fn serve_connection(
    server: &Arc<Server>,
    stream: TcpStream,
    peer: IpAddr,
    router: &Router,
    graceful: &GracefulShutdown,
    tasks: &TaskGroup,
) {
    let place = match server.open.place(peer, &server.limits) {
        Ok(place) => place,
        Err(full) => return turn_away::turn_away(stream, full),
    };
    // Answers are small: waiting to fill a packet would only delay them.
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let connection = Connection::new(Arc::clone(server), peer);
    let stream = Stream::new(stream, connection.clone());
    let router = router.clone();
    let service =
        hyper::service::service_fn(move |request| answer(router.clone(), request, connection.clone()));
    let served = hyper::server::conn::http1::Builder::new()
        // Who has sent a request whole may close that side, or hang up: the request stands.
        .half_close(true)
        // The stream has times of its own.
        .header_read_timeout(None)
        .max_buf_size(MAX_HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), service);
    // Boxed: a future that is handed on has room for itself once more at each step, and there are thousands of them.
    let served = Box::pin(graceful.watch(served));
    tasks.detach("a connection", async move {
        if let Err(error) = served.await {
            tracing::debug!(%error, "a connection ended early");
        }
        drop(place);
    });
}

async fn answer(
    router: Router,
    request: hyper::Request<Incoming>,
    connection: Connection,
) -> Result<Response, Infallible> {
    connection.begin_answer();
    let mut request: Request = request.map(|incoming| {
        if incoming.is_end_stream() {
            Body::empty()
        } else {
            Body::new(RequestBody::new(incoming, connection.clone()))
        }
    });
    request.extensions_mut().insert(connection.clone());
    let request = arrival::arrived(request, &connection).await;
    let response = router.oneshot(request).await;
    if connection.is_unread() {
        // Once more around, so that the connection looks at what is left of the body: it is short and there, or the connection is
        // closed and this answer says so.
        tokio::task::yield_now().await;
    }
    connection.end_answer();
    response
}

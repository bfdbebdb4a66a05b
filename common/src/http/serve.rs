//! The HTTP server loop of all roles: limits on slow and idle clients, and an end that lets open requests finish.

use std::{convert::Infallible, io, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::{ConnectInfo, Request},
    response::Response,
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
};
use tokio::net::TcpListener;
use tower::ServiceExt;

use crate::runtime::TaskGroup;

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

/// Serves `router` until the end of `tasks`, to which its connections belong; then lets open requests finish.
///
/// # Errors
/// [`ServeError::DrainTimeout`] when some did not finish in time.
pub async fn serve(listener: TcpListener, router: Router, tasks: TaskGroup) -> Result<(), ServeError> {
    let address = listener.local_addr().map_err(ServeError::Listener)?;
    let graceful = GracefulShutdown::new();
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
        // Answers are small: waiting to fill a packet would only delay them.
        if stream.set_nodelay(true).is_err() {
            continue;
        }
        let router = router.clone();
        let service = hyper::service::service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(ConnectInfo(peer));
            answer(router.clone(), request)
        });
        let connection = hyper::server::conn::http1::Builder::new()
            .timer(TokioTimer::new())
            // Who has sent a request whole may close that side, or hang up: the request stands.
            .half_close(true)
            .header_read_timeout(HEADER_TIMEOUT)
            .max_buf_size(MAX_HEAD_BYTES)
            .serve_connection(TokioIo::new(stream), service);
        let connection = graceful.watch(connection);
        tasks.detach("a connection", async move {
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

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "routes of tests need no description")]
mod tests {
    use axum::routing::get;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpStream,
        time::Instant,
    };

    use super::*;
    use crate::runtime::Supervisor;

    /// Serves `router` until the supervisor is asked to stop.
    async fn serving(router: Router) -> (std::net::SocketAddr, Supervisor) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, supervisor) = (listener.local_addr().unwrap(), Supervisor::new());
        let tasks = supervisor.group("server", DRAIN_TIMEOUT);
        tasks.spawn("server", serve(listener, router, tasks.clone()));
        (address, supervisor)
    }

    async fn server() -> (std::net::SocketAddr, Supervisor) {
        serving(Router::new().route("/", get(async || "hello"))).await
    }

    /// Sends bytes and reads until the server closes.
    async fn exchange(address: std::net::SocketAddr, bytes: &[u8]) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        let mut answer = Vec::new();
        // A reset after the answer is the server's way of not reading the rest.
        stream.read_to_end(&mut answer).await.ok();
        String::from_utf8_lossy(&answer).into_owned()
    }

    #[tokio::test]
    async fn a_client_that_does_not_finish_its_headers_is_let_go() {
        let (address, _server) = server().await;
        let began = Instant::now();
        exchange(address, b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow").await;
        let took = began.elapsed();
        assert!(took >= HEADER_TIMEOUT && took < HEADER_TIMEOUT * 2, "{took:?}");
    }

    #[tokio::test]
    async fn a_head_larger_than_its_limit_is_refused() {
        let (address, _server) = server().await;
        let request = |size: usize| {
            format!(
                "GET / HTTP/1.1\r\nConnection: close\r\nX-Large: {}\r\n\r\n",
                "x".repeat(size)
            )
        };
        let served = exchange(address, request(MAX_HEAD_BYTES / 2).as_bytes()).await;
        assert!(served.starts_with("HTTP/1.1 200"), "{served:?}");
        let refused = exchange(address, request(2 * MAX_HEAD_BYTES).as_bytes()).await;
        assert!(refused.starts_with("HTTP/1.1 431"), "{refused:?}");
    }

    #[tokio::test]
    async fn a_handler_learns_the_other_end_of_the_connection() {
        let peer = async |ConnectInfo(peer): ConnectInfo<std::net::SocketAddr>| format!("from {}", peer.ip());
        let (address, _server) = serving(Router::new().route("/", get(peer))).await;
        let request = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
        assert!(exchange(address, request).await.ends_with("from 127.0.0.1"));
    }

    #[tokio::test]
    async fn a_client_that_says_no_more_is_answered() {
        let (address, _server) = server().await;
        for _ in 0..20 {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream
                .write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                .await
                .unwrap();
            stream.shutdown().await.unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.unwrap();
            assert!(answer.ends_with("hello"), "{answer:?}");
        }
    }

    #[tokio::test]
    async fn the_end_waits_for_open_requests_and_takes_no_new_ones() {
        let (begun, has_begun) = tokio::sync::oneshot::channel();
        let (go_on, goes_on) = tokio::sync::oneshot::channel::<()>();
        let once = std::sync::Arc::new(std::sync::Mutex::new(Some((begun, goes_on))));
        let router = Router::new().route(
            "/",
            get(move || {
                let (begun, goes_on) = once.lock().unwrap().take().unwrap();
                async move {
                    begun.send(()).unwrap();
                    goes_on.await.unwrap();
                    "finished"
                }
            }),
        );
        let (address, server) = serving(router).await;
        let open = exchange(address, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n");
        let ending = async {
            has_begun.await.unwrap();
            server.stop().cancel();
            let turned_away = async {
                while TcpStream::connect(address).await.is_ok() {
                    tokio::task::yield_now().await;
                }
                go_on.send(()).unwrap();
            };
            tokio::join!(server.finish(), turned_away).0.unwrap();
        };
        let (answer, ()) = tokio::join!(open, ending);
        assert!(answer.ends_with("finished"));
    }
}

//! The server as clients meet it over the network: friends, strangers, and those who mean it ill.
#![expect(clippy::disallowed_methods, reason = "routes of tests need no description")]

mod attacks;
mod requests;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Extension,
    http::HeaderMap,
    response::IntoResponse,
    routing::{get, post},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::Instant,
};

use super::*;
use crate::{
    http::{DialectErrors, request::Received, with_layers},
    runtime::Supervisor,
};

/// Longer than any of these tests should wait for what it waits for.
const LONG: Duration = Duration::from_secs(20);

/// Serves `router` until the supervisor is asked to stop.
fn serving(router: Router, limits: Limits) -> (SocketAddr, Supervisor) {
    let listener = bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let (address, supervisor) = (listener.local_addr().unwrap(), Supervisor::new());
    let tasks = supervisor.group("server", DRAIN_TIMEOUT);
    tasks.spawn("server", serve(listener, router, tasks.clone(), limits));
    (address, supervisor)
}

/// Bytes of the answer of `/large`.
const LARGE: usize = 16 * 1024 * 1024;

/// Routes that read bodies as ours do, with the layers around.
fn routes() -> Router {
    let read = async |request: Request| match Received::read(request).await {
        Ok(received) => format!("{} bytes", received.body().len()).into_response(),
        Err(rejection) => DialectErrors::Plain.print(&rejection),
    };
    let client = async |Extension(connection): Extension<Connection>, headers: HeaderMap| {
        connection.client(&headers).to_string()
    };
    with_layers(
        Router::new()
            .route("/", get(async || "hello"))
            .route("/client", get(client))
            .route("/read", post(read))
            .route("/unread", post(async || "not read"))
            .route("/large", get(async || vec![b'x'; LARGE])),
    )
}

async fn connect(address: SocketAddr) -> TcpStream {
    TcpStream::connect(address).await.unwrap()
}

/// What the server says until it closes.
async fn rest(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    // A reset after the answer is an end, too.
    let read = tokio::time::timeout(LONG, stream.read_to_end(&mut answer)).await;
    read.expect("the server closes").ok();
    String::from_utf8_lossy(&answer).into_owned()
}

/// Sends bytes and reads until the server closes.
async fn exchange(address: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = connect(address).await;
    stream.write_all(bytes).await.ok();
    rest(&mut stream).await
}

/// One answer of a connection that goes on, by its length.
async fn one_answer(stream: &mut TcpStream) -> String {
    let mut answer = String::new();
    loop {
        let mut chunk = [0; 4_096];
        let bytes = tokio::time::timeout(LONG, stream.read(&mut chunk)).await;
        let bytes = bytes.expect("an answer").unwrap();
        answer.push_str(&String::from_utf8_lossy(&chunk[..bytes]));
        let whole = answer.split_once("\r\n\r\n").and_then(|(head, body)| {
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "))?;
            Some(body.len() >= length.parse().ok()?)
        });
        if whole == Some(true) || bytes == 0 {
            return answer;
        }
    }
}

fn get_of(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n")
}

fn post_of(path: &str, declared: usize) -> String {
    format!("POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {declared}\r\n\r\n")
}

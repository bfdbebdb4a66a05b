//! The layers around routes that do nothing, fail, or panic, as a caller sees them.

use axum::{
    body::{Body, to_bytes},
    http::{HeaderMap, header},
    routing::{get, post},
};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tower::ServiceExt;

use super::*;
use crate::{
    http::{DRAIN_TIMEOUT, Limits, Origin, X_REQUEST_ID, serve},
    runtime::Supervisor,
};

/// In the place of a handler with a bug.
async fn bug() -> Response {
    panic!("a bug of order {}", 7)
}

fn service() -> Router {
    let said = async |axum::Extension(origin): axum::Extension<Origin>| origin.request_id.to_string();
    with_layers(
        Router::new()
            .route("/v1/said", get(said))
            .route("/1.6/said/{id}", get(said))
            .route("/1.6/panic", get(bug))
            .route("/api/affiliates/panic", get(bug))
            .route("/api/v1/track/panic", get(bug))
            .route("/api/v1/tracking/panic", get(bug))
            .route("/p/panic", get(bug))
            .route("/v1/panic", post(bug)),
    )
}

async fn call(method: &str, path: &str, headers: &[(&str, &str)]) -> (u16, HeaderMap, Value) {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = service()
        .oneshot(request.body(Body::empty()).unwrap())
        .await
        .unwrap();
    let (head, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let body = serde_json::from_slice(&body)
        .unwrap_or_else(|_no_json| String::from_utf8_lossy(&body).into_owned().into());
    (head.status.as_u16(), head.headers, body)
}

#[tokio::test]
async fn a_panic_is_a_500_in_the_dialects_shape() {
    const TEXT: &str = "Internal Server Error";
    for (path, pointer) in [
        ("/1.6/panic", "/errors/0/message"),
        ("/api/affiliates/panic", "/message"),
        ("/api/v1/track/panic", "/error"),
        ("/api/v1/tracking/panic/", "/message"),
    ] {
        let (status, headers, body) = call("GET", path, &[]).await;
        assert_eq!(
            (status, body.pointer(pointer)),
            (500, Some(&Value::from(TEXT))),
            "{path}"
        );
        assert!(!body.to_string().contains("bug") && headers.contains_key(X_REQUEST_ID));
    }
    let (status, headers, body) = call("POST", "/v1/panic", &[("x-request-id", "r-7")]).await;
    assert_eq!(
        (status, &body["error"], &body["request_id"]),
        (500, &TEXT.into(), &"r-7".into())
    );
    assert_eq!(
        headers[header::CONTENT_LENGTH],
        body.to_string().len().to_string()
    );
    let (status, headers, _) = call("GET", "/p/panic", &[]).await;
    assert_eq!(
        (status, &headers[header::CONTENT_TYPE]),
        (500, &"image/gif".parse().unwrap())
    );
}

#[tokio::test]
async fn after_a_panic_the_connection_goes_on() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, supervisor) = (listener.local_addr().unwrap(), Supervisor::new());
    let tasks = supervisor.group("server", DRAIN_TIMEOUT);
    tasks.spawn(
        "server",
        serve(listener, service(), tasks.clone(), Limits::default()),
    );
    let mut stream = TcpStream::connect(address).await.unwrap();
    let requests = "GET /1.6/panic HTTP/1.1\r\nHost: x\r\n\r\n\
                    GET /v1/said HTTP/1.1\r\nHost: x\r\nX-Request-Id: second\r\nConnection: close\r\n\r\n";
    stream.write_all(requests.as_bytes()).await.unwrap();
    let mut answers = String::new();
    stream.read_to_string(&mut answers).await.unwrap();
    assert!(
        answers.starts_with("HTTP/1.1 500") && answers.contains("HTTP/1.1 200"),
        "{answers}"
    );
    assert!(answers.ends_with("second"), "{answers}");
}

#[tokio::test]
async fn every_answer_has_the_id_of_its_request() {
    let (long, preflight) = (
        format!("/v1/said?{}", "x".repeat(MAX_URL_BYTES)),
        [
            ("origin", "https://shop.example"),
            ("access-control-request-method", "GET"),
        ],
    );
    for (method, path, headers, want) in [
        ("GET", "/v1/said", [].as_slice(), 200),
        ("HEAD", "/1.6/said/1/", &[], 200),
        ("GET", "/nothing", &[], 404),
        ("GET", "/1.6//said", &[], 404),
        ("DELETE", "/v1/said", &[], 405),
        ("GET", &long, &[], 414),
        ("GET", "/1.6/panic", &[], 500),
        ("OPTIONS", "/1.6/said/1", &preflight, 204),
    ] {
        let (status, answered, _) = call(method, path, headers).await;
        assert_eq!(status, want, "{method} {path}");
        let made = answered[X_REQUEST_ID].to_str().unwrap();
        assert!(uuid::Uuid::parse_str(made).is_ok(), "{method} {path}: {made}");
        let chosen: Vec<_> = headers
            .iter()
            .copied()
            .chain([("x-request-id", "mine")])
            .collect();
        let (_, answered, _) = call(method, path, &chosen).await;
        assert_eq!(answered[X_REQUEST_ID], "mine", "{method} {path}");
    }
}

#[tokio::test]
async fn handlers_see_the_id_that_is_answered() {
    let (_, headers, body) = call("GET", "/1.6/said/1", &[("x-request-id", "not printable")]).await;
    assert_ne!(body, "not printable");
    assert_eq!(headers[X_REQUEST_ID].to_str().ok(), body.as_str());
}

#[tokio::test]
async fn only_our_own_errors_have_the_id_in_their_body() {
    let id = [("x-request-id", "r-7")];
    for (method, path, is_own) in [
        ("GET", "/v1/nothing", true),
        ("GET", "/nothing", true),
        ("DELETE", "/v1/said", true),
        ("GET", "/v1//said", true),
        ("GET", "/1.6/nothing", false),
        ("GET", "/api/v1/track/nothing", false),
        ("GET", "/api/v1/tracking/nothing", false),
        ("GET", "/api/affiliates/nothing", false),
    ] {
        let (status, _, body) = call(method, path, &id).await;
        assert!(status == 404 || status == 405, "{path}");
        let shown = body.get("request_id").and_then(Value::as_str);
        assert_eq!(shown, is_own.then_some("r-7"), "{path}: {body}");
    }
}

//! What is logged of a request. A process of its own, because a subscriber is one for all.

#![expect(
    clippy::unwrap_used,
    reason = "these are tests: what is not as expected shall end them"
)]
#![expect(clippy::disallowed_methods, reason = "routes of tests need no description")]

use std::{
    io,
    sync::{Arc, Mutex},
};

use axum::{Router, body::Body, http::Request, response::Response, routing::get};
use common::{
    domain::{Dialect, EventId, OrgId},
    http::{note_event, note_org, with_layers},
};
use serde_json::Value;
use tower::ServiceExt;
use uuid::Uuid;

/// Everything that was logged, one JSON object a line.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Lines {
    fn parsed(&self) -> Vec<Value> {
        let bytes = self.0.lock().unwrap();
        let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        lines.map(|line| serde_json::from_slice(line).unwrap()).collect()
    }
}

async fn bug() -> Response {
    panic!("a bug")
}

async fn sale() -> &'static str {
    note_org(OrgId(3));
    note_event(Dialect::Rest, EventId(Uuid::from_u128(7)));
    tracing::info!("handled");
    "sold"
}

#[tokio::test]
async fn lines_of_a_request_have_its_id_and_never_its_query() {
    let lines = Lines::default();
    let writer = lines.clone();
    tracing_subscriber::fmt()
        .json()
        .with_max_level(tracing::Level::DEBUG)
        .with_writer(move || writer.clone())
        .init();
    let service = with_layers(
        Router::new()
            .route("/1.6/sale/{id}", get(sale))
            .route("/v1/bug", get(bug)),
    );
    let call = async |path: &str, id: &str| {
        let request = Request::get(path)
            .header("x-request-id", id)
            .header("x-api-key", "very-secret");
        let request = request.body(Body::empty()).unwrap();
        service.clone().oneshot(request).await.unwrap()
    };
    call("/1.6/sale/order-9/?email=ada", "sold-1").await;
    call("/v1/bug?email=ada", "bug-1").await;
    call("/v1/none?email=ada", "none-1").await;

    let logged = lines.parsed();
    let find = |message: &str, id: &str| {
        let is_it = |line: &&Value| line["fields"]["message"] == message && line["span"]["request.id"] == id;
        let found = logged.iter().find(is_it);
        found
            .unwrap_or_else(|| panic!("no {message:?} of {id} in {logged:#?}"))
            .clone()
    };
    let handled = find("handled", "sold-1");
    assert_eq!(handled["span"]["name"], "http.request");
    assert_eq!(handled["span"]["method"], "GET");
    assert_eq!(handled["span"]["route"], "/1.6/sale/{id}");
    assert_eq!(handled["span"]["org"], 3);
    assert_eq!(handled["span"]["dialect"], "rest");
    assert_eq!(handled["span"]["event.id"], Uuid::from_u128(7).to_string());
    assert_eq!(find("answered", "sold-1")["fields"]["status"], 200);

    let panicked = find("a handler panicked", "bug-1");
    assert_eq!(
        (&panicked["level"], &panicked["fields"]["panic"]),
        (&"ERROR".into(), &"a bug".into())
    );
    let refused = find("turned away", "none-1");
    assert_eq!(refused["level"], "DEBUG", "at info no line is a request's own");
    assert!(refused["span"].get("route").is_none());

    let all = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    for secret in ["ada", "order-9", "very-secret"] {
        assert!(!all.contains(secret), "{secret} in {all}");
    }
}

//! How paths are read: slashes that do not count, and those that do.

use axum::{body::Body, http::Request};
use serde_json::json;

use super::{KEY, Service, request};

fn post(path: &str, body: &str) -> Request<Body> {
    let headers = [("X-Api-Key", KEY), ("Idempotency-Key", "retry-1")];
    request("POST", path, &headers, body.to_owned())
}

#[tokio::test]
async fn a_last_slash_and_a_doubled_first_one_make_no_other_request() {
    const BODY: &str = r#"{"customer_id":"c-9"}"#;
    // Made by the first version that stored hashes: a retry across an update must not become a conflict.
    const STORED: &str = "54f2b679ab315683448c72ac015310429ff545d9ae8da23706492aa5ce1179e2";
    let mut service = Service::new();
    for path in [
        "/1.6/conversions?a=%2F",
        "/1.6/conversions/?a=%2F",
        "//1.6/conversions/?a=%2F",
    ] {
        let (event, _) = service.accepted(post(path, BODY)).await;
        assert!(event.idempotency.unwrap().repeats(STORED), "{path}");
    }
}

#[tokio::test]
async fn doubled_first_slashes_are_served_in_every_dialect() {
    let mut service = Service::new();
    let headers = [
        ("X-Api-Key", KEY),
        ("Y-API-Key", KEY),
        ("Authorization", "Bearer demo-key"),
    ];
    for (path, body) in [
        ("//1.7/pb/con/c/", json!({"external_id": "1", "coupon": "C"})),
        (
            "//api/affiliates/track/C",
            json!({"order_id": "1", "total_amount": 1, "customer": {"email": "a@b.example"}}),
        ),
        (
            "///api/v1/track/sale/",
            json!({"customer_key": "u", "transaction_id": "t", "amount_cents": 1}),
        ),
    ] {
        let call = request("POST", path, &headers, body.to_string());
        service.accepted(call).await;
    }
    let pixel = request("GET", "//p/demo-pixel.gif/?external_id=1&coupon=C", &[], "");
    let (reply, submitted) = service.exchange(pixel, crate::pipeline::Answer::Accepted).await;
    assert!(reply.status.is_success() && submitted.is_some(), "{reply:?}");
}

#[tokio::test]
async fn an_empty_segment_is_not_found_in_the_dialects_shape() {
    let mut service = Service::new();
    for path in [
        "/1.6/conversions//",
        "/1.6/conversions//commissions/",
        "/1.6/conversions//commissions",
        "/1.6//conversions",
        "//1.7/pb/con//c/",
    ] {
        let reply = service.refused(post(path, "{}"), 404).await;
        assert_eq!(reply.json()["message"], "Not Found", "{path}");
        assert_eq!(reply.json()["code"], 404, "{path}");
    }
    let reply = service.refused(post("/api/affiliates/track//", "{}"), 404).await;
    assert_eq!(reply.json()["success"], false);
    let reply = service.refused(post("/api/v1/tracking//click", "{}"), 404).await;
    assert_eq!(reply.json()["error"], "Not Found");
    for path in ["/p//", "/p//demo-pixel.gif?external_id=1&coupon=C"] {
        let reply = service.refused(request("GET", path, &[], ""), 404).await;
        assert_eq!(reply.header("content-type"), "image/gif", "{path}");
    }
}

#[tokio::test]
async fn a_prefix_alone_is_not_found_in_its_dialects_shape() {
    let mut service = Service::new();
    for (path, pointer) in [
        ("/1.6", "/errors/0/message"),
        ("/1.6/x", "/errors/0/message"),
        ("/1.7/", "/errors/0/message"),
        ("/api/affiliates", "/message"),
        ("/api/v1/track", "/error"),
        ("/api/tracking/", "/error"),
        ("/api/v1/tracking", "/message"),
        ("/v1", "/error"),
    ] {
        let reply = service.refused(post(path, "{}"), 404).await;
        assert!(
            reply
                .json()
                .pointer(pointer)
                .is_some_and(serde_json::Value::is_string),
            "{path}: {reply:?}"
        );
    }
}

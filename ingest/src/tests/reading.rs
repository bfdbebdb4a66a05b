//! Limits of requests, each reached.

use std::time::Duration;

use axum::body::{Body, Bytes};
use futures_util::stream;

use super::{KEY, Service, request};
use common::http::request::{BODY_TIMEOUT, MAX_BODY_BYTES, MAX_URL_BYTES};

const TRACK: &str = "/api/affiliates/track/AUTUMN";
const ORDER: &str = r#"{"order_id":"1","total_amount":1,"customer":{"email":"a@b"}"#;

/// The fields of `head`, and one that nobody reads.
fn padded(head: &str, bytes: usize) -> String {
    let head = format!("{head},\"pad\":\"");
    format!("{head}{}\"}}", "x".repeat(bytes - head.len() - 2))
}

#[tokio::test]
async fn a_body_has_a_size() {
    let mut service = Service::new();
    let bearer = format!("Bearer {KEY}");
    let headers = [
        ("X-Api-Key", KEY),
        ("Y-API-Key", KEY),
        ("Authorization", bearer.as_str()),
    ];
    for (path, head) in [
        (TRACK, ORDER),
        ("/1.7/pb/con/c/", r#"{"external_id":"1","coupon":"C""#),
        ("/1.7/pb/cus/c/", r#"{"customer_id":"1","coupon":"C""#),
        ("/1.6/conversions/", r#"{"coupon":"C","amount":1"#),
        ("/1.6/customers/", r#"{"customer_id":"1","coupon":"C""#),
        ("/1.6/clicks/", r#"{"referral_code":"r""#),
        (
            "/api/v1/track/sale",
            r#"{"customer_key":"u","transaction_id":"t","amount_cents":1"#,
        ),
        (
            "/api/v1/tracking/click",
            r#"{"affiliateReference":"r","clickId":"c","sessionId":"s""#,
        ),
    ] {
        let send = |bytes| request("POST", path, &headers, padded(head, bytes));
        service.accepted(send(MAX_BODY_BYTES)).await;
        service.refused(send(MAX_BODY_BYTES + 1), 413).await;
    }
    let track = |body: Body| request("POST", TRACK, &[("Y-API-Key", KEY)], body);
    let reply = service
        .refused(track(padded(ORDER, MAX_BODY_BYTES + 1).into()), 413)
        .await;
    assert_eq!(reply.json()["success"], false);
    let endless = stream::repeat_with(|| Ok::<_, std::io::Error>(Bytes::from_static(&[b'x'; 1024])));
    service.refused(track(Body::from_stream(endless)), 413).await;
}

#[tokio::test]
async fn a_url_has_a_length() {
    let mut service = Service::new();
    let head = "/1.7/pb/con/c/?external_id=1&coupon=C&pad=";
    let url = |bytes: usize| format!("{head}{}", "x".repeat(bytes - head.len()));
    let get = |path: &str| request("GET", path, &[("X-Api-Key", KEY)], "");
    service.accepted(get(&url(MAX_URL_BYTES))).await;
    let reply = service.refused(get(&url(MAX_URL_BYTES + 1)), 414).await;
    assert_eq!(reply.json()["code"], 414);
    service
        .refused(get(&format!("/nowhere?{}", "x".repeat(MAX_URL_BYTES))), 414)
        .await;
}

#[tokio::test]
async fn a_body_that_breaks_off_is_no_event() {
    let mut service = Service::new();
    let parts = [
        Ok(Bytes::from(padded(ORDER, 100))),
        Err(std::io::Error::other("connection reset")),
    ];
    let body = Body::from_stream(stream::iter(parts));
    let reply = service
        .refused(request("POST", TRACK, &[("Y-API-Key", KEY)], body), 400)
        .await;
    assert_eq!(reply.json()["message"], "the request body is incomplete");
}

#[tokio::test]
async fn a_body_has_a_deadline() {
    let mut service = Service::new();
    let body = Body::from_stream(stream::pending::<Result<Bytes, std::io::Error>>());
    let started = std::time::Instant::now();
    let reply = service
        .refused(request("POST", TRACK, &[("Y-API-Key", KEY)], body), 408)
        .await;
    assert_eq!(reply.json()["success"], false);
    assert!(started.elapsed() >= BODY_TIMEOUT && started.elapsed() < BODY_TIMEOUT + Duration::from_secs(5));
}

#[tokio::test]
async fn the_json_librarys_own_marks_do_not_pass() {
    let mut service = Service::new();
    for body in [
        "external_id=1&coupon=C&meta_data[$serde_json::private::Number]=x",
        r#"{"external_id":"1","coupon":"C","$serde_json::private::Number":"1"}"#,
    ] {
        let post = request("POST", "/1.7/pb/con/c", &[("X-Api-Key", KEY)], body);
        let reply = service.refused(post, 400).await;
        assert_eq!(reply.json()["message"], "a field's name is reserved");
    }
}

#[tokio::test]
async fn idempotency_keys_are_checked() {
    let mut service = Service::new();
    let long = "k".repeat(256);
    let headers = [("Y-API-Key", KEY), ("Idempotency-Key", &long)];
    let reply = service
        .refused(request("POST", TRACK, &headers, padded(ORDER, 100)), 400)
        .await;
    assert_eq!(
        reply.json()["message"],
        "Idempotency-Key is longer than 255 characters"
    );
}

#[tokio::test]
async fn what_belongs_to_no_dialect_is_json_too() {
    let mut service = Service::new();
    for path in ["/", "/nowhere", "/api", "/api/v1"] {
        let reply = service.refused(request("GET", path, &[], ""), 404).await;
        assert_eq!(reply.json()["error"], "there is nothing at this path");
    }
}

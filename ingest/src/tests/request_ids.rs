//! The id of a request goes with its event, and with the errors of our own calls.

use serde_json::json;

use super::{KEY, Service, request};
use crate::pipeline::Answer;

const ID: (&str, &str) = ("X-Request-Id", "req-7");
const BEARER: (&str, &str) = ("Authorization", "Bearer demo-key");

#[tokio::test]
async fn events_of_every_dialect_carry_it() {
    let sale = json!({"external_id": "1", "coupon": "C", "customer_id": "c"});
    let order = json!({"order_id": "1", "total_amount": 1, "customer": {"email": "a@b.example"}});
    let tracked = json!({"customer_key": "u", "transaction_id": "t", "amount_cents": 1});
    let link = json!({"affiliate_url": "https://shop.example/?aff=abc123"});
    let visit = json!({"clientId": 12_345, "affiliateReference": "a", "clickId": "c", "sessionId": "s"});
    let mut service = Service::new();
    for (path, key, body) in [
        ("/1.7/pb/con/c/", ("X-Api-Key", KEY), sale.clone()),
        ("/1.6/conversions/", ("X-Api-Key", KEY), sale),
        ("/api/affiliates/track/C", ("Y-API-Key", KEY), order),
        ("/api/v1/track/sale", BEARER, tracked),
        // Without a key, as browsers call.
        ("/api/v1/track/click", ("X-None", "1"), link),
        ("/api/v1/tracking/click", ("X-None", "1"), visit),
    ] {
        let call = request("POST", path, &[key, ID], body.to_string());
        let (reply, submitted) = service.exchange(call, Answer::Accepted).await;
        let (event, _) = submitted.unwrap_or_else(|| panic!("{path}: {reply:?}"));
        assert_eq!(event.request_id.as_deref(), Some("req-7"), "{path}");
        assert_eq!(reply.header("x-request-id"), "req-7", "{path}");
    }
    let pixel = request("GET", "/p/demo-pixel.gif?external_id=1&coupon=C", &[ID], "");
    let (reply, submitted) = service.exchange(pixel, Answer::Accepted).await;
    assert_eq!(submitted.unwrap().0.request_id.as_deref(), Some("req-7"));
    assert_eq!(reply.header("x-request-id"), "req-7");
}

#[tokio::test]
async fn a_new_one_is_made_where_none_can_be_used() {
    let mut service = Service::new();
    let order = json!({"order_id": "1", "total_amount": 1, "customer": {"email": "a@b.example"}});
    for sent in ["", "two words", &"x".repeat(129)] {
        let headers = [("Y-API-Key", KEY), ("X-Request-Id", sent)];
        let call = request("POST", "/api/affiliates/track/C", &headers, order.to_string());
        let (reply, submitted) = service.exchange(call, Answer::Accepted).await;
        let made = submitted.unwrap().0.request_id.unwrap();
        assert!(made.parse::<uuid::Uuid>().is_ok(), "{made}");
        assert_eq!(reply.header("x-request-id"), made);
    }
}

#[tokio::test]
async fn each_line_of_a_batch_carries_it_and_each_error_of_the_call() {
    let mut service = Service::new();
    let line = r#"{"type":"conversion","external_id":"1","coupon":"C"}"#;
    let call = request("POST", "/v1/events", &[("X-Api-Key", KEY), ID], line);
    let (event, _) = service.exchange(call, Answer::Accepted).await.1.unwrap();
    assert_eq!(event.request_id.as_deref(), Some("req-7"));

    let too_large = "x".repeat(crate::native::MAX_BATCH_BYTES + 1);
    for (method, headers, body, status) in [
        ("POST", [("X-Api-Key", "nobody"), ID], String::new(), 401),
        ("POST", [("X-Api-Key", "reader-key"), ID], String::new(), 403),
        ("POST", [("X-Api-Key", KEY), ID], String::new(), 400),
        ("POST", [("X-Api-Key", KEY), ID], too_large, 413),
        ("PUT", [("X-Api-Key", KEY), ID], String::new(), 405),
    ] {
        let reply = service
            .refused(request(method, "/v1/events", &headers, body), status)
            .await;
        assert_eq!(reply.json()["request_id"], "req-7", "{reply:?}");
        assert!(reply.json()["error"].is_string(), "{reply:?}");
        assert_eq!(reply.header("x-request-id"), "req-7");
    }
}

#[tokio::test]
async fn other_dialects_errors_keep_their_shapes() {
    let mut service = Service::new();
    for path in ["/1.7/pb/con/c", "/api/affiliates/track/C", "/api/v1/track/sale"] {
        let reply = service.refused(request("POST", path, &[ID], "{}"), 401).await;
        assert!(reply.json().get("request_id").is_none(), "{reply:?}");
        assert_eq!(reply.header("x-request-id"), "req-7");
    }
}

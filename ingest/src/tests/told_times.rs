//! When changes were, where their callers tell: what is taken, what is refused, and what says that it is ignored.

use axum::{body::Body as RequestBody, http::Request};
use chrono::{DateTime, Utc};
use common::domain::Body;
use serde_json::{Value, json};

use super::{Answer, KEY, Service, request, time};

const KEYED: [(&str, &str); 2] = [("x-api-key", KEY), ("content-type", "application/json")];

fn post(path: &str, body: &Value) -> Request<RequestBody> {
    request("POST", path, &KEYED, body.to_string())
}

fn get(path: &str) -> Request<RequestBody> {
    request("GET", path, &KEYED[..1], "")
}

fn told(body: &Body) -> Option<DateTime<Utc>> {
    match body {
        Body::UpdateConversion(update) => update.occurred_at,
        Body::UpdateCustomer(update) => update.occurred_at,
        other => panic!("not an update: {other:?}"),
    }
}

#[tokio::test]
async fn updates_by_postback_take_a_time() {
    let mut service = Service::new();
    for (sent, want) in [
        (json!("2026-03-01T10:00:00+01:00"), Some("2026-03-01T09:00:00Z")),
        (json!("2026-03-01 10:00:00"), Some("2026-03-01T10:00:00Z")),
        (json!(1_640_995_200), Some("2022-01-01T00:00:00Z")),
        (json!("1640995200123"), Some("2022-01-01T00:00:00.123Z")),
        (json!(""), None),
        (json!(null), None),
    ] {
        for (path, id) in [
            ("/1.7/pb/con/u/", "external_id"),
            ("/1.7/pb/cus/u/", "customer_id"),
        ] {
            let (event, _) = service
                .accepted(post(path, &json!({id: "1", "timestamp": sent})))
                .await;
            assert_eq!(told(&event.body), want.map(time), "{path} {sent}");
            assert_eq!(event.warnings, Vec::<String>::new());
        }
    }
    let (event, _) = service
        .accepted(get("/1.7/pb/con/u?external_id=1&timestamp=1640995200"))
        .await;
    assert_eq!(told(&event.body), Some(time("2022-01-01T00:00:00Z")));
    let ahead = service.clock.now() + chrono::TimeDelta::hours(25);
    for (sent, want) in [
        (
            json!(ahead.timestamp()),
            "timestamp is more than a day in the future",
        ),
        (json!(0), "timestamp is before the year 2000"),
        (json!("yesterday"), "timestamp must be a date or time"),
    ] {
        let body = json!({"external_id": "1", "customer_id": "1", "timestamp": sent});
        for path in ["/1.7/pb/con/u", "/1.7/pb/cus/u"] {
            let reply = service.refused(post(path, &body), 400).await;
            assert!(reply.text.contains(want), "{path}: {reply:?}");
        }
    }
}

#[tokio::test]
async fn where_no_time_is_taken_the_answer_says_so() {
    let mut service = Service::new();
    let sale = json!({"external_id": "1", "customer_id": "1", "coupon": "C", "amount": 1, "timestamp": 1_640_995_200});
    for (path, why) in [
        ("/1.7/pb/con/c", "the sale is of the moment"),
        ("/1.7/pb/cus/c", "a customer is of the moment"),
        ("/1.6/conversions/", "the sale is of the moment"),
        ("/1.6/customers/", "a customer is of the moment"),
    ] {
        let (event, _) = service.accepted(post(path, &sale)).await;
        let [warning] = event.warnings.as_slice() else {
            panic!("{path}: {:?}", event.warnings)
        };
        assert!(
            warning.starts_with("timestamp is ignored: ") && warning.contains(why),
            "{path}: {warning}"
        );
    }
    let refund = json!({"transaction_id": "1", "timestamp": 1_640_995_200});
    let bearer = format!("Bearer {KEY}");
    let headers = [
        ("authorization", bearer.as_str()),
        ("content-type", "application/json"),
    ];
    let call = request("POST", "/api/v1/track/refund", &headers, refund.to_string());
    let (event, _) = service.accepted(call).await;
    assert_eq!(
        event.warnings,
        ["timestamp is ignored: a refund counts whenever it was"]
    );
    let pixel = "/p/demo-pixel.gif?external_id=1&coupon=C&timestamp=1640995200";
    let (reply, submitted) = service
        .exchange(request("GET", pixel, &[], ""), Answer::Accepted)
        .await;
    assert!(
        reply.header("warning").contains("timestamp is ignored"),
        "{reply:?}"
    );
    assert_eq!(submitted.unwrap().0.warnings.len(), 1);
}

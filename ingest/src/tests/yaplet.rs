//! The track call: what it takes, and every way it answers.

use std::time::Duration;

use axum::{body::Body, http::Request};
use chrono::TimeDelta;
use common::domain::{Dialect, First, Identity, Outcome, PublicId, PublicIdKind, Reason};
use serde_json::{Value, json};

use super::{KEY, Reply, Service, applied, create_of, event_id, refusal, request};
use crate::pipeline::Answer;
use common::http::request::Wait;

const PATH: &str = "/api/affiliates/track/AUTUMN";

fn order() -> Value {
    json!({"order_id": "order-1", "total_amount": 120, "customer": {"email": "Ada@Example.com"}})
}

fn with(name: &str, value: Value) -> Value {
    let mut body = order();
    body[name] = value;
    body
}

fn track(body: &Value) -> Request<Body> {
    raw(body.to_string())
}

fn raw(body: impl Into<Body>) -> Request<Body> {
    request("POST", PATH, &[("Y-API-Key", KEY)], body)
}

/// Every error has the one documented shape.
fn message(reply: &Reply) -> String {
    let json = reply.json();
    assert_eq!(json["success"], json!(false), "{json}");
    json["message"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_sale_is_submitted_as_it_was_sent() {
    let mut service = Service::new();
    let body = json!({
        "order_id": "order-1",
        "total_amount": 120.50,
        "customer": {
            "email": "Ada@Example.com", "name": "Ada {A.} Example", "customer_id": 789,
            "customer_metadata": {"source": "shop"}
        },
        "commission": 10.00,
        "notes": "Autumn {sale}",
        "timestamp": 1_640_995_200_000_i64,
        "product": {"id": "p-1", "name": "Plan", "category": "subscription"},
        "metadata": {"utm_source": "mail", "deep": {"er": [1.10, null]}},
        "unheard_of": {"order_id": 1}
    });
    let (event, wait) = service.accepted(track(&body)).await;
    assert_eq!(wait, Wait::Outcome(Duration::from_secs(3)));
    assert_eq!(
        (event.org.unwrap().0, event.dialect, event.authenticated),
        (1, Dialect::Yaplet, true)
    );
    assert!(service.ids.verify(event.org, event.id));
    assert_eq!((event.program_scope, event.idempotency.clone()), (None, None));
    let create = create_of(event);
    assert_eq!(create.external_id.as_deref(), Some("order-1"));
    assert_eq!(create.attribution.coupon.as_deref(), Some("AUTUMN"));
    assert_eq!(create.amount.to_string(), "120.5");
    assert_eq!(create.commission, Some(10.into()));
    assert_eq!(
        create.occurred_at.unwrap().to_rfc3339(),
        "2022-01-01T00:00:00+00:00"
    );
    assert_eq!(create.meta_data["deep"]["er"][0].to_string(), "1.1");
    assert_eq!(create.details["notes"], "Autumn {sale}");
    assert_eq!(create.details["product"]["category"], "subscription");
    let customer = create.customer.unwrap();
    assert_eq!(customer.identity, Identity::Email("ada@example.com".to_owned()));
    assert_eq!(customer.email.as_deref(), Some("Ada@Example.com"));
    assert_eq!(customer.name.as_deref(), Some("Ada {A.} Example"));
    assert_eq!(customer.external_id.as_deref(), Some("789"));
    assert_eq!(customer.meta_data["source"], "shop");
}

#[tokio::test]
async fn what_is_optional_has_its_default() {
    let mut service = Service::new();
    let (event, _) = service.accepted(track(&order())).await;
    let create = create_of(event);
    assert_eq!((create.commission, create.occurred_at), (None, None));
    assert!(create.meta_data.is_empty() && create.details.is_empty());
    assert_eq!(
        create.customer.unwrap().name,
        None,
        "the default is for new customers, and for who decides"
    );
    let (event, _) = service.accepted(track(&with("commission", json!(0)))).await;
    assert_eq!(create_of(event).commission, Some(0.into()), "zero is exact too");
}

#[tokio::test]
async fn success_prints_the_six_fields_of_the_sellers_own_commission() {
    let mut service = Service::new();
    let (reply, _) = service
        .exchange(track(&order()), Answer::Outcome(applied()))
        .await;
    let public = |kind, number| PublicId::new(kind, number).to_string();
    assert_eq!(reply.status.as_u16(), 200);
    assert_eq!(
        reply.json(),
        json!({"success": true, "data": {
            "commission_id": public(PublicIdKind::YapletCommission, 12),
            "partner_id": public(PublicIdKind::YapletPartner, 5),
            "customer_id": public(PublicIdKind::YapletCustomer, 9),
            "commission_amount": 12.34,
            "order_id": "order-1",
            "affiliate_code": "AUTUMN"
        }})
    );
    assert!(
        reply.text.contains(r#""commission_amount":12.34"#),
        "{}",
        reply.text
    );
}

#[tokio::test]
async fn refusals_have_their_status() {
    let mut service = Service::new();
    let sentence = "No approved affiliate partner found for coupon code: AUTUMN";
    for (reason, status, text) in [
        (Reason::NotAttributed, 200, sentence),
        (Reason::AffiliateNotApproved, 200, sentence),
        (
            Reason::DuplicateOrder,
            409,
            "This order_id has already been tracked for your organization",
        ),
        (Reason::IdempotencyConflict, 422, "the detail"),
        (Reason::UnknownCommissionType, 400, "the detail"),
        (Reason::AmountOutOfRange, 400, "the detail"),
        (Reason::UnknownOrder, 400, "the detail"),
        (Reason::ParkingFull, 400, "the detail"),
    ] {
        let (reply, _) = service.exchange(track(&order()), refusal(reason, None)).await;
        assert_eq!(reply.status.as_u16(), status, "{reason:?}");
        assert_eq!(
            reply.json(),
            json!({"success": false, "message": text}),
            "{reason:?}"
        );
    }
}

#[tokio::test]
async fn a_duplicate_tells_of_the_first() {
    let mut service = Service::new();
    let first = First {
        coupon: Some("JANE10OFF".to_owned()),
        ..First::new(event_id(77), Some(applied()))
    };
    let answer = refusal(Reason::DuplicateOrder, Some(first.clone()));
    let (reply, _) = service.exchange(track(&order()), answer).await;
    assert_eq!(reply.status.as_u16(), 409);
    message(&reply);
    let data = &reply.json()["data"];
    assert_eq!(data["event_id"], event_id(77).to_string());
    assert_eq!(data["order_id"], "order-1");
    assert_eq!(data["commission_amount"].to_string(), "12.34");
    assert_eq!(
        data["affiliate_code"], "JANE10OFF",
        "of the first, not of this call"
    );
    assert_eq!(data.as_object().unwrap().len(), 7);
    let by_no_coupon = First {
        coupon: None,
        ..first
    };
    let answer = refusal(Reason::DuplicateOrder, Some(by_no_coupon));
    let (reply, _) = service.exchange(track(&order()), answer).await;
    assert_eq!(reply.json()["data"]["affiliate_code"], Value::Null);
}

#[tokio::test]
async fn a_repeated_request_gets_the_first_answer() {
    let mut service = Service::new();
    let repeat = |outcome| {
        let first = First::new(event_id(77), outcome);
        refusal(Reason::IdempotentRepeat, Some(first))
    };
    let (first, _) = service
        .exchange(track(&order()), Answer::Outcome(applied()))
        .await;
    let (again, _) = service.exchange(track(&order()), repeat(Some(applied()))).await;
    assert_eq!((again.status, again.text), (first.status, first.text));
    for waiting in [None, Some(Outcome::Queued), Some(Outcome::Parked)] {
        let (reply, _) = service.exchange(track(&order()), repeat(waiting)).await;
        assert_eq!(reply.status.as_u16(), 202);
        assert_eq!(
            reply.json()["event_id"],
            event_id(77).to_string(),
            "the first's receipt"
        );
    }
}

#[tokio::test]
async fn what_is_not_decided_gets_a_receipt() {
    let mut service = Service::new();
    for answer in [
        Answer::Accepted,
        Answer::Outcome(Outcome::Parked),
        Answer::Outcome(Outcome::Queued),
        Answer::Outcome(Outcome::Dead("code".to_owned())),
        Answer::Outcome(Outcome::Discarded),
    ] {
        let (reply, submitted) = service.exchange(track(&order()), answer).await;
        let id = submitted.unwrap().0.id;
        assert_eq!(reply.status.as_u16(), 202);
        assert_eq!(reply.json(), json!({"event_id": id, "status": "accepted"}));
        assert_eq!(reply.header("location"), format!("/v1/events/{id}"));
    }
}

#[tokio::test]
async fn without_queue_and_database_it_says_when_to_come_back() {
    let mut service = Service::new();
    let answer = Answer::Unavailable {
        retry_after: Duration::from_millis(1_500),
    };
    let (reply, _) = service.exchange(track(&order()), answer).await;
    assert_eq!((reply.status.as_u16(), reply.header("retry-after")), (503, "2"));
    message(&reply);
}

#[tokio::test]
async fn missing_and_wrong_fields_are_named() {
    let mut service = Service::new();
    let long = "x".repeat(10_000);
    for (body, want) in [
        (with("order_id", json!(null)), "order_id is required"),
        (with("order_id", json!(" ")), "order_id is required"),
        (with("order_id", json!(true)), "order_id must be a string"),
        (
            with("order_id", json!(long)),
            "order_id is longer than 255 characters",
        ),
        (
            with("order_id", json!("a\0b")),
            "order_id contains a NUL character",
        ),
        (
            with("order_id", json!("{order_id}")),
            "order_id is an unresolved macro",
        ),
        (with("total_amount", json!(null)), "total_amount is required"),
        (
            with("total_amount", json!("abc")),
            "total_amount must be a number",
        ),
        (with("total_amount", json!([])), "total_amount must be a number"),
        (with("total_amount", json!({})), "total_amount must be a number"),
        (with("total_amount", json!(true)), "total_amount must be a number"),
        (
            with("total_amount", json!(-1)),
            "total_amount must not be negative",
        ),
        (with("total_amount", json!(1e30)), "total_amount is out of range"),
        (
            with("total_amount", json!(1e13)),
            "total_amount must not be above 1000000000000",
        ),
    ] {
        let reply = service.refused(track(&body), 400).await;
        assert_eq!(message(&reply), want);
    }
}

#[tokio::test]
async fn other_wrong_fields_are_named_too() {
    let mut service = Service::new();
    let ahead = service.clock.now() + TimeDelta::days(2);
    for (body, want) in [
        (with("customer", json!(null)), "customer.email is required"),
        (
            with("customer", json!({"name": "x"})),
            "customer.email is required",
        ),
        (with("customer", json!("x")), "customer must be an object"),
        (
            with("customer", json!({"email": "x"})),
            "customer.email must be an e-mail address",
        ),
        (
            with("commission", json!(-0.01)),
            "commission must not be negative",
        ),
        (with("commission", json!("all")), "commission must be a number"),
        (with("timestamp", json!(0)), "timestamp is before the year 2000"),
        (
            with("timestamp", json!(ahead.timestamp_millis())),
            "timestamp is more than a day in the future",
        ),
        (
            with("timestamp", json!("yesterday")),
            "timestamp must be a number",
        ),
    ] {
        let reply = service.refused(track(&body), 400).await;
        assert_eq!(message(&reply), want);
    }
    service
        .accepted(track(&with("notes", json!("x".repeat(4_000)))))
        .await;
    service
        .accepted(track(&with("order_id", json!("x".repeat(255)))))
        .await;
}

#[tokio::test]
async fn malformed_bodies_are_refused() {
    let mut service = Service::new();
    let deep = "{".repeat(5_000);
    for body in [
        "{",
        "[]",
        "null",
        "\"x\"",
        "",
        "{\"order_id\": 1e999}",
        "\0",
        &deep,
        "x=%FF",
    ] {
        message(&service.refused(raw(body.to_owned()), 400).await);
    }
    message(&service.refused(raw(vec![0xff, 0xfe]), 400).await);
}

#[tokio::test]
async fn keys_features_and_scopes_are_checked_first() {
    let mut service = Service::new();
    for (headers, status) in [
        ([].as_slice(), 401),
        (&[("Y-API-Key", "")], 401),
        (&[("Y-API-Key", "wrong")], 401),
        (&[("X-Api-Key", KEY)], 401),
        (&[("y-api-key", "locked-key")], 403),
        (&[("Y-API-KEY", "reader-key")], 403),
    ] {
        message(&service.refused(request("POST", PATH, headers, "{"), status).await);
    }
}

#[tokio::test]
async fn the_code_is_a_path_segment() {
    let mut service = Service::new();
    let to = |path: &str| request("POST", path, &[("Y-API-Key", KEY)], order().to_string());
    for (path, code) in [
        ("/api/affiliates/track/AUTUMN/", "AUTUMN"),
        ("/api/affiliates/track/10%25%20OFF%2F%C3%A9", "10% OFF/é"),
        ("/api/affiliates/track/a+b", "a+b"),
    ] {
        let answer = refusal(Reason::NotAttributed, None);
        let (reply, submitted) = service.exchange(to(path), answer).await;
        let create = create_of(submitted.unwrap().0);
        assert_eq!(create.attribution.coupon.as_deref(), Some(code));
        assert_eq!(
            message(&reply),
            format!("No approved affiliate partner found for coupon code: {code}")
        );
    }
    for path in ["%FF", "a%00b", "%20"] {
        let reply = service
            .refused(to(&format!("/api/affiliates/track/{path}")), 400)
            .await;
        assert!(message(&reply).contains("affiliate_code"), "{reply:?}");
    }
    message(
        &service
            .refused(to(&format!("/api/affiliates/track/{}", "x".repeat(256))), 400)
            .await,
    );
    message(&service.refused(to("/api/affiliates/track/"), 404).await);
    let reply = service
        .refused(request("GET", PATH, &[("Y-API-Key", KEY)], ""), 405)
        .await;
    assert_eq!(reply.header("allow"), "POST");
    message(&reply);
}

#[tokio::test]
async fn the_answer_can_be_put_off_and_the_request_repeated() {
    let mut service = Service::new();
    let headers = [
        ("Y-API-Key", "other-key"),
        ("Prefer", "respond-async"),
        ("Idempotency-Key", "retry-1"),
    ];
    let (event, wait) = service
        .accepted(request("POST", PATH, &headers, order().to_string()))
        .await;
    assert_eq!(wait, Wait::Receipt);
    let idempotency = event.idempotency.unwrap();
    assert_eq!(idempotency.key, "retry-1");
    assert_eq!((event.org.unwrap().0, event.program_scope.unwrap().0), (2, 7));
    let other = with("total_amount", json!(121)).to_string();
    let (event, _) = service.accepted(request("POST", PATH, &headers, other)).await;
    assert!(!event.idempotency.unwrap().repeats(&idempotency.hash));
    let spaced =
        r#" {"customer": {"email": "Ada@Example.com"}, "total_amount": 120.00, "order_id": "order-1"} "#;
    let (event, _) = service.accepted(request("POST", PATH, &headers, spaced)).await;
    assert!(event.idempotency.unwrap().repeats(&idempotency.hash));
}

//! What Affitor's calls turn away, in the documented words.

use common::domain::Reason;
use serde_json::{Value, json};

use super::{BEARER, URL, keyed, keyless, sale, with};
use crate::{
    auth::MAX_KEYLESS,
    tests::{Reply, Service, refusal, request},
};

/// Every error is one flat text.
fn error(reply: &Reply) -> String {
    let json = reply.json();
    assert_eq!(json.as_object().unwrap().len(), 1, "{json}");
    json["error"].as_str().unwrap().to_owned()
}

fn sale_with(name: &str, value: Value) -> Value {
    with(sale(), name, value)
}

#[tokio::test]
async fn what_is_missing_or_wrong_is_told_in_the_documented_words() {
    let mut service = Service::new();
    let (txn, cents) = (
        "transaction_id is required and must be a string",
        "amount_cents is required and must be a positive integer",
    );
    for (what, body, text) in [
        ("click", json!({}), "affiliate_url is required"),
        (
            "click",
            json!({"affiliate_url": " "}),
            "affiliate_url is required",
        ),
        (
            "click",
            json!({"affiliate_url": "not a url"}),
            "Invalid affiliate_url",
        ),
        (
            "click",
            json!({"affiliate_url": "/?aff=a"}),
            "Invalid affiliate_url",
        ),
        (
            "click",
            json!({"affiliate_url": "ftp://shop.example/?aff=a"}),
            "Invalid affiliate_url",
        ),
        (
            "click",
            json!({"affiliate_url": "https:///?aff"}),
            "Invalid affiliate_url",
        ),
        (
            "click",
            json!({"affiliate_url": "https://shop.example/"}),
            "No aff parameter found in affiliate_url",
        ),
        (
            "click",
            json!({"affiliate_url": "https://shop.example/?aff=&x=1"}),
            "No aff parameter found in affiliate_url",
        ),
        (
            "click",
            json!({"affiliate_url": "https://shop.example/?ref=a"}),
            "No aff parameter found in affiliate_url",
        ),
        (
            "click",
            json!({"affiliate_url": "https://shop.example/#?aff=a"}),
            "No aff parameter found in affiliate_url",
        ),
        ("lead", json!({}), "click_id or customer_key is required"),
        (
            "lead",
            json!({"click_ids": [], "customer_code": "k", "user_id": "u"}),
            "click_id or customer_key is required",
        ),
        ("sale", json!({}), txn),
        ("sale", sale_with("transaction_id", json!(5)), txn),
        ("sale", sale_with("transaction_id", json!(["t"])), txn),
        ("sale", sale_with("transaction_id", json!("")), txn),
        ("sale", json!({"transaction_id": "t"}), cents),
        ("sale", sale_with("amount_cents", json!(0)), cents),
        ("sale", sale_with("amount_cents", json!(-5)), cents),
        ("sale", sale_with("amount_cents", json!(1.5)), cents),
        ("sale", sale_with("amount_cents", json!("lots")), cents),
        ("sale", sale_with("amount_cents", json!(true)), cents),
        ("sale", sale_with("amount_cents", json!([1])), cents),
        ("sale", sale_with("amount_cents", json!("${amount}")), cents),
        (
            "sale",
            sale_with("amount_cents", json!(1_000_000_000_001_i64)),
            cents,
        ),
        (
            "sale",
            json!({"transaction_id": "t", "amount_cents": 1}),
            "Customer not found. Provide customer_key or click_id.",
        ),
        ("refund", json!({}), "transaction_id is required"),
    ] {
        let reply = service
            .refused(keyed(&format!("/api/v1/track/{what}"), &body), 400)
            .await;
        assert_eq!(error(&reply), text, "{what} {body}");
    }
}

#[tokio::test]
async fn other_wrong_fields_are_named() {
    let mut service = Service::new();
    let link = |url: &str| json!({"affiliate_url": url});
    let many: Vec<_> = (0..21).map(|number| format!("k{number}")).collect();
    for (what, body, text) in [
        (
            "click",
            link("{affiliate_url}"),
            "affiliate_url is an unresolved macro",
        ),
        (
            "click",
            link("https://shop.example/?aff={code}"),
            "aff is an unresolved macro",
        ),
        (
            "click",
            link("https://shop.example/?aff=a%00b"),
            "aff contains a NUL character",
        ),
        (
            "click",
            link(&format!("https://shop.example/?aff={}", "x".repeat(256))),
            "aff is longer than 255 characters",
        ),
        (
            "click",
            link(&format!("{URL}&x={}", "x".repeat(4_000))),
            "affiliate_url is longer than 4000 characters",
        ),
        (
            "click",
            json!({"affiliate_url": ["x"]}),
            "affiliate_url must be a string",
        ),
        (
            "click",
            with(link(URL), "page_url", json!("a\0b")),
            "page_url contains a NUL character",
        ),
        (
            "click",
            with(link(URL), "additional_data", json!("x")),
            "additional_data must be an object",
        ),
        (
            "lead",
            json!({"click_id": "{click_id}"}),
            "click_id is an unresolved macro",
        ),
        (
            "lead",
            json!({"click_ids": ["${click}"]}),
            "click_ids is an unresolved macro",
        ),
        (
            "lead",
            json!({"click_ids": {"a": 1}}),
            "click_ids must be a list of strings",
        ),
        (
            "lead",
            json!({"click_ids": [["a"]]}),
            "click_ids must be a list of strings",
        ),
        (
            "lead",
            json!({"click_ids": many}),
            "click_ids names more than 20 clicks",
        ),
        (
            "lead",
            json!({"click_id": "k", "email": "nobody"}),
            "email must be an e-mail address",
        ),
        (
            "sale",
            sale_with("transaction_id", json!("{order_id}")),
            "transaction_id is an unresolved macro",
        ),
        (
            "sale",
            sale_with("transaction_id", json!("x".repeat(256))),
            "transaction_id is longer than 255 characters",
        ),
        (
            "sale",
            sale_with("amount_cents", json!(1e30)),
            "amount_cents is out of range for a number",
        ),
        (
            "sale",
            sale_with("currency", json!("XXXX")),
            "currency must be an ISO 4217 code",
        ),
        (
            "sale",
            sale_with("is_recurring", json!("often")),
            "is_recurring must be true or false",
        ),
        (
            "sale",
            sale_with("line_items", json!(["x".repeat(8_192)])),
            "line_items is larger than 8192 bytes",
        ),
        (
            "sale",
            sale_with("additional_data", json!({"test_mode": "maybe"})),
            "additional_data.test_mode must be true or false",
        ),
        (
            "sale",
            sale_with("additional_data", json!({"x": "x".repeat(8_192)})),
            "additional_data is larger than 8192 bytes",
        ),
        (
            "refund",
            json!({"transaction_id": "t", "refund_amount_cents": -1}),
            "refund_amount_cents must be a positive integer",
        ),
        (
            "refund",
            json!({"transaction_id": "t", "refund_amount_cents": 1.5}),
            "refund_amount_cents must be a positive integer",
        ),
        (
            "refund",
            json!({"transaction_id": "t", "refund_amount_cents": "all"}),
            "refund_amount_cents must be a positive integer",
        ),
        (
            "refund",
            json!({"transaction_id": ["t"]}),
            "transaction_id must be a string",
        ),
        (
            "lead",
            json!({"click_id": "k", "page_title": "x".repeat(8_192), "additional_data": {"test_mode": true}}),
            "the request body of a test is larger than 8192 bytes",
        ),
    ] {
        let reply = service
            .refused(keyed(&format!("/api/v1/track/{what}"), &body), 400)
            .await;
        assert_eq!(error(&reply), text, "{what}");
    }
    let most: Vec<_> = (0..20).map(|number| format!("k{number}")).collect();
    service
        .accepted(keyed("/api/v1/track/lead", &json!({"click_ids": most})))
        .await;
}

#[tokio::test]
async fn malformed_bodies_are_refused() {
    let mut service = Service::new();
    let deep = format!(r#"{{"a":{}{}}}"#, "[".repeat(40), "]".repeat(40));
    for body in [
        "{",
        "[]",
        "\"x\"",
        "{\"amount_cents\": 1e999}",
        "\0",
        &deep,
        "x=%FF",
    ] {
        for path in [
            "/api/v1/track/click",
            "/api/v1/track/lead",
            "/api/v1/track/sale",
            "/api/v1/track/refund",
        ] {
            let reply = service
                .refused(request("POST", path, &[BEARER], body.to_owned()), 400)
                .await;
            error(&reply);
        }
    }
    let large = request("POST", "/api/v1/track/click", &[], "x".repeat(65 * 1024));
    error(&service.refused(large, 413).await);
}

#[tokio::test]
async fn refusals_have_their_words() {
    let mut service = Service::new();
    for (what, reason, status, text) in [
        ("click", Reason::UnknownPartner, 400, "Referral link not found"),
        (
            "lead",
            Reason::UnknownCustomer,
            400,
            "Customer not found. Provide a valid click_id or customer_key.",
        ),
        (
            "lead",
            Reason::UnknownClick,
            400,
            "Customer not found. Provide a valid click_id or customer_key.",
        ),
        (
            "lead",
            Reason::CustomerElsewhere,
            400,
            "Customer does not belong to this program",
        ),
        (
            "lead",
            Reason::CustomerConverted,
            400,
            "Customer status cannot be updated to lead. Current status: conversion",
        ),
        (
            "sale",
            Reason::UnknownCustomer,
            400,
            "Customer not found. Provide customer_key or click_id.",
        ),
        (
            "sale",
            Reason::UnknownClick,
            400,
            "Customer not found. Provide customer_key or click_id.",
        ),
        (
            "sale",
            Reason::CustomerElsewhere,
            400,
            "No affiliate attribution found for this customer in this program",
        ),
        (
            "sale",
            Reason::UnknownPartner,
            400,
            "No affiliate attribution found for this customer in this program",
        ),
        (
            "sale",
            Reason::PartnerNotApproved,
            400,
            "No partner-program relationship found for this customer",
        ),
        (
            "sale",
            Reason::DuplicateOrder,
            409,
            "Duplicate transaction_id. This sale has already been recorded.",
        ),
        ("sale", Reason::IdempotencyConflict, 422, "the detail"),
        ("sale", Reason::AmountOutOfRange, 400, "the detail"),
        (
            "refund",
            Reason::UnknownOrder,
            404,
            "Sale not found for transaction_id",
        ),
        (
            "refund",
            Reason::ParkingFull,
            404,
            "Sale not found for transaction_id",
        ),
    ] {
        let body = match what {
            "click" => json!({"affiliate_url": URL}),
            "lead" => json!({"click_id": "cust_0_0"}),
            _ => sale(),
        };
        let call = keyed(&format!("/api/v1/track/{what}"), &body);
        let (reply, _) = service.exchange(call, refusal(reason, None)).await;
        assert_eq!(
            (reply.status.as_u16(), error(&reply).as_str()),
            (status, text),
            "{what} {reason:?}"
        );
    }
}

#[tokio::test]
async fn a_key_is_asked_for_before_anything_else() {
    let mut service = Service::new();
    for path in [
        "/api/v1/track/sale",
        "/api/v1/track/refund/",
        "/api/tracking/sale",
        "/api/v1/cli/test-event",
    ] {
        for headers in [
            [].as_slice(),
            &[("Authorization", "Bearer wrong")],
            &[("Authorization", "Bearer")],
            &[("Authorization", "other-key")],
            &[("X-Api-Key", "other-key")],
        ] {
            let reply = service.refused(request("POST", path, headers, "{"), 401).await;
            assert_eq!(error(&reply), "Invalid API token");
        }
        for key in ["Bearer locked-key", "bearer reader-key"] {
            error(
                &service
                    .refused(request("POST", path, &[("Authorization", key)], "{"), 403)
                    .await,
            );
        }
    }
    // A lead needs none; a bad one is wrong all the same.
    for bad in ["Bearer wrong", "Bearer", "bearer  ", "BEARER undefined"] {
        let body = json!({"click_id": "k"}).to_string();
        let call = request("POST", "/api/v1/track/lead", &[("Authorization", bad)], body);
        assert_eq!(
            error(&service.refused(call, 401).await),
            "Invalid API token",
            "{bad}"
        );
    }
}

#[tokio::test]
async fn a_key_has_its_rate_and_may_repeat_a_request() {
    let mut service = Service::new();
    let headers = [
        ("Authorization", "Bearer slow-key"),
        ("Idempotency-Key", "retry-1"),
    ];
    let call = || request("POST", "/api/v1/track/sale", &headers, sale().to_string());
    for _ in 0..2 {
        let (event, _) = service.accepted(call()).await;
        assert_eq!(event.idempotency.unwrap().key, "retry-1");
    }
    let reply = service.refused(call(), 429).await;
    assert_eq!(
        (error(&reply).as_str(), reply.header("retry-after")),
        ("you exceeded the rate limit", "30")
    );
}

#[tokio::test]
async fn strangers_have_so_many_places_and_keys_do_not_need_them() {
    let mut service = Service::new();
    let permits: Vec<_> = (0..MAX_KEYLESS)
        .map(|_| service.ingest.keyless_permit().unwrap())
        .collect();
    let lead = json!({"click_id": "k"});
    for (path, body) in [
        ("/api/v1/track/click", json!({"affiliate_url": URL})),
        ("/api/v1/track/lead", lead.clone()),
    ] {
        let reply = service.refused(keyless(path, &body), 429).await;
        assert_eq!(reply.header("retry-after"), "1");
        assert_eq!(reply.header("access-control-allow-origin"), "*");
        error(&reply);
    }
    service.accepted(keyed("/api/v1/track/lead", &lead)).await;
    drop(permits);
    for _ in 0..3 {
        service.accepted(keyless("/api/v1/track/lead", &lead)).await;
    }
    let all = (0..MAX_KEYLESS)
        .map(|_| service.ingest.keyless_permit())
        .collect::<Result<Vec<_>, _>>();
    assert!(all.is_ok(), "answered calls give their places back");
}

#[tokio::test]
async fn a_stranger_who_hangs_up_keeps_the_place_until_the_answer() {
    let mut service = Service::new();
    let permits: Vec<_> = (1..MAX_KEYLESS)
        .map(|_| service.ingest.keyless_permit().unwrap())
        .collect();
    let call = keyless("/api/v1/track/lead", &json!({"click_id": "k"}));
    let caller = tokio::spawn(tower::ServiceExt::oneshot(service.router.clone(), call));
    let submission = service.submissions.recv().await.unwrap();
    caller.abort();
    assert!(caller.await.unwrap_err().is_cancelled());
    assert!(service.ingest.keyless_permit().is_err());
    submission.answer.send(crate::pipeline::Answer::Accepted).unwrap();
    let free = async {
        while service.ingest.keyless_permit().is_err() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(10), free)
        .await
        .unwrap();
    drop(permits);
}

#[tokio::test]
async fn other_paths_and_methods_answer_in_the_dialects_shape() {
    let mut service = Service::new();
    for path in [
        "/api/v1/track/view",
        "/api/tracking/",
        "/api/v1/cli/other",
        "/api/v1/programs/x",
    ] {
        error(&service.refused(keyed(path, &sale()), 404).await);
    }
    for path in [
        "/api/v1/track/sale",
        "/api/v1/track/click",
        "/api/v1/cli/test-event",
    ] {
        let reply = service.refused(request("GET", path, &[BEARER], ""), 405).await;
        error(&reply);
        assert!(reply.header("allow").contains("POST"), "{reply:?}");
    }
    let long = format!("/api/v1/track/click?{}", "x".repeat(9_000));
    error(&service.refused(keyless(&long, &json!({})), 414).await);
}

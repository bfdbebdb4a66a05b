//! What shops, networks and partners really send for what they do not have, by every way in: what decides money is refused by
//! name or read as it was meant; the rest is told and costs no sale.

use axum::{body::Body, http::Request};
use common::domain::{Body as EventBody, CreateConversion};
use serde_json::{Value, json};

use super::{KEY, Service, applied, create_of, request};
use crate::pipeline::Answer;

fn get(query: &str) -> Request<Body> {
    request(
        "GET",
        &format!("/1.7/pb/con/c/?{query}"),
        &[("X-Api-Key", KEY)],
        "",
    )
}

fn send(path: &str, content_type: &str, body: impl Into<Body>) -> Request<Body> {
    let bearer = format!("Bearer {KEY}");
    let headers = [
        ("X-Api-Key", KEY),
        ("Y-API-Key", KEY),
        ("Authorization", &bearer),
        ("Content-Type", content_type),
    ];
    request("POST", path, &headers, body)
}

fn post(path: &str, body: &Value) -> Request<Body> {
    send(path, "application/json", body.to_string())
}

fn recorded() -> Answer {
    Answer::Outcome(applied())
}

const POSTBACK: &str = "/1.7/pb/con/c/";
const REST: &str = "/1.6/conversions/";
const YAPLET: &str = "/api/affiliates/track/C";
const AFFITOR: &str = "/api/v1/track/sale";
const AFFY: &str = "/api/v1/tracking/lead/payment";

/// A sale of each dialect with `id` as the order's, and its field's name.
fn sales(id: &Value) -> Vec<(&'static str, Value, &'static str)> {
    vec![
        (POSTBACK, json!({"external_id": id, "coupon": "C"}), "external_id"),
        (REST, json!({"external_id": id, "coupon": "C"}), "external_id"),
        (
            YAPLET,
            json!({"order_id": id, "total_amount": 1, "customer": {"email": "a@b"}}),
            "order_id",
        ),
        (
            AFFITOR,
            json!({"transaction_id": id, "amount_cents": 1, "customer_key": "k"}),
            "transaction_id",
        ),
        (
            AFFY,
            json!({"transactionId": id, "leadValue": 1, "sessionId": "s", "clientId": 12345}),
            "transactionId",
        ),
    ]
}

#[tokio::test]
async fn an_order_that_is_no_order_is_refused_by_name_in_every_dialect() {
    let mut service = Service::new();
    for id in [
        "undefined",
        "NULL",
        "[object Object]",
        "0",
        "{order_id}",
        "%%ORDER%%",
        "__ORDER__",
        "\u{1f}17",
        "1\u{200b}7",
    ] {
        for (path, body, name) in sales(&json!(id)) {
            let reply = service.refused(post(path, &body), 400).await;
            assert!(reply.text.contains(name), "{path} {id:?}: {reply:?}");
        }
    }
    for id in [json!(false), json!([]), json!({}), json!("")] {
        for (path, body, name) in sales(&id) {
            let reply = service.refused(post(path, &body), 400).await;
            assert!(reply.text.contains(name), "{path} {id}: {reply:?}");
        }
    }
    for id in [
        "A[1]B",
        "ORD__2024__7",
        "1001-null",
        "100%%",
        "#1001",
        "\u{6ce8}\u{6587}1",
    ] {
        for (path, body, _) in sales(&json!(id)) {
            assert_eq!(
                service.accepted(post(path, &body)).await.0.order(),
                Some(id),
                "{path}"
            );
        }
    }
    let line = r#"{"external_id":"[order_id]","coupon":"C"}"#;
    let reply = service
        .exchange(send("/v1/events", "application/x-ndjson", line), recorded())
        .await
        .0;
    assert!(
        reply.text.contains("external_id is an unresolved macro"),
        "{reply:?}"
    );
    let reply = service
        .refused(
            request("GET", "/p/demo-pixel.gif?external_id=undefined&coupon=C", &[], ""),
            400,
        )
        .await;
    assert!(reply.header("x-pixel-error").contains("external_id"), "{reply:?}");
}

#[tokio::test]
async fn who_is_nobody_is_no_customer_and_the_answer_says_so() {
    let mut service = Service::new();
    for id in [
        json!(0),
        json!("undefined"),
        json!("{customer_id}"),
        json!("[object Object]"),
        json!(["null"]),
        json!("null@null.com"),
        json!("YOUR_CUSTOMER_ID"),
    ] {
        let body = json!({"external_id": "1", "coupon": "C", "customer_id": id, "click_id": "null"});
        for path in [POSTBACK, REST] {
            let (event, _) = service.accepted(post(path, &body)).await;
            assert_eq!(event.warnings.len(), 2, "{id}: {:?}", event.warnings);
            let create = create_of(event);
            assert_eq!(
                (create.customer, create.attribution.click_id),
                (None, None),
                "{path} {id}"
            );
        }
    }
    let (reply, submitted) = service
        .exchange(
            post(
                POSTBACK,
                &json!({"external_id": "1", "coupon": "C", "customer_id": 0}),
            ),
            recorded(),
        )
        .await;
    assert!(submitted.is_some());
    let warning = "customer_id is a placeholder (0) and counts as not sent";
    assert_eq!(reply.json()["warnings"], json!([warning]), "{reply:?}");
    let yaplet =
        json!({"order_id": "1", "total_amount": 1, "customer": {"email": "a@b", "customer_id": "undefined"}});
    let (reply, _) = service.exchange(post(YAPLET, &yaplet), recorded()).await;
    let warning = "customer.customer_id is a placeholder (undefined) and counts as not sent";
    assert_eq!(
        (&reply.json()["success"], &reply.json()["warnings"]),
        (&json!(true), &json!([warning]))
    );
    let line = r#"{"external_id":"1","coupon":"C","customer_id":"null"}"#;
    let (reply, submitted) = service.exchange(send("/v1/events", "", line), recorded()).await;
    assert_eq!(
        reply.json()["results"][0]["warnings"].as_array().map(Vec::len),
        Some(1),
        "{reply:?}"
    );
    assert_eq!(submitted.unwrap().0.warnings.len(), 1);
    for nothing in [Value::Null, json!(false), json!(""), json!([])] {
        let body = json!({"external_id": "1", "coupon": "C", "customer_id": nothing});
        let (reply, _) = service.exchange(post(REST, &body), recorded()).await;
        assert_eq!(reply.json()["warnings"], Value::Null, "{reply:?}");
    }
    let reply = service
        .refused(
            post(
                AFFITOR,
                &json!({"transaction_id": "1", "amount_cents": 1, "customer_key": 0}),
            ),
            400,
        )
        .await;
    assert_eq!(
        reply.json()["error"],
        "Customer not found. Provide customer_key or click_id."
    );
}

#[tokio::test]
async fn a_customer_is_one_in_any_case_of_its_address() {
    let mut service = Service::new();
    let body = json!({"external_id": "1", "coupon": "C", "customer_id": "Jane@Example.COM"});
    let customer = create_of(service.accepted(post(POSTBACK, &body)).await.0)
        .customer
        .unwrap();
    assert_eq!(customer.external_id.as_deref(), Some("jane@example.com"));
}

#[tokio::test]
async fn parameters_behind_an_escaped_separator_are_read() {
    let mut service = Service::new();
    for query in [
        "external_id=X&amp;coupon=C&amp;amount=100",
        "external_id=X&amp%3Bcoupon=C&amp;amp;amount=100",
        "external_id=X?coupon=C&amount=100",
        "?external_id=X%26coupon%3DC%26amount=100",
        "external_id=X;coupon=C;amount=100",
        "external_id%3DX%26coupon%3DC%26amount%3D100",
    ] {
        let create = create_of(service.accepted(get(query)).await.0);
        let read = (
            create.external_id.as_deref(),
            create.attribution.coupon.as_deref(),
            create.amount,
        );
        assert_eq!(read, (Some("X"), Some("C"), 100.into()), "{query}");
    }
    for query in ["external_id=X?utm=1&coupon=C", "external_id=X,amount=1&coupon=C"] {
        let reply = service.refused(get(query), 400).await;
        assert!(
            reply
                .text
                .contains("external_id has what looks like another parameter"),
            "{reply:?}"
        );
    }
    let glued = json!({"external_id": "X&amp;amount=1", "coupon": "C"});
    service.refused(post(POSTBACK, &glued), 400).await;
    for link in [
        "https://shop.example/?x=1&amp;aff=abc&amp;utm=1",
        "https://shop.example/?x=1?aff=abc",
        "https://shop.example/?aff=abc?utm_source=x",
        "https://shop.example/?aff=abc%26utm_source=x",
        "https://shop.example/?x=1;aff=abc/",
    ] {
        let click = post("/api/v1/track/click", &json!({"affiliate_url": link}));
        let EventBody::Click(click) = service.accepted(click).await.0.body else {
            panic!("not a click");
        };
        assert_eq!(click.referral_code, "abc", "{link}");
    }
    let update = request(
        "GET",
        "/1.7/pb/con/u/?external_id=X&amp;status=disapproved",
        &[("X-Api-Key", KEY)],
        "",
    );
    let EventBody::UpdateConversion(update) = service.accepted(update).await.0.body else {
        panic!("not an update");
    };
    assert!(update.status.is_some());
}

async fn yaplet_sale(service: &mut Service, over: Value) -> (CreateConversion, Vec<String>) {
    let mut body = json!({"order_id": "1", "total_amount": 1, "customer": {"email": "a@b"}});
    body.as_object_mut()
        .unwrap()
        .extend(over.as_object().unwrap().clone());
    let (event, _) = service.accepted(post(YAPLET, &body)).await;
    let warnings = event.warnings.clone();
    (create_of(event), warnings)
}

#[tokio::test]
async fn what_decides_no_money_costs_no_sale() {
    let mut service = Service::new();
    let items: Value = (0..50)
        .map(|item| (format!("item: {item}/\"x\""), json!("v".repeat(1_000))))
        .collect();
    for path in [POSTBACK, REST] {
        let body = json!({"external_id": "1", "coupon": "C", "meta_data": items, "user_agent": "u".repeat(9_000), "ip": {}});
        let (event, _) = service.accepted(post(path, &body)).await;
        assert_eq!(event.warnings.len(), 2, "{:?}", event.warnings);
        let create = create_of(event);
        assert!(create.meta_data.len() > 30);
        assert_eq!(create.details["user_agent"], "u".repeat(2_000));
    }
    for (over, warnings) in [
        (json!({"notes": "x".repeat(5_000)}), 1),
        (json!({"notes": {"a": 1}}), 1),
        (json!({"notes": "a\0b", "product": "Pro plan"}), 0),
        (json!({"metadata": "x"}), 1),
        (
            json!({"metadata": {"a": "x".repeat(20_000)}, "product": {"id": "y".repeat(20_000)}}),
            0,
        ),
        (json!({"product": {"id": "y".repeat(40_000)}}), 1),
        (
            json!({"customer": {"email": "a@b", "name": ["a", "b"], "customer_metadata": 7}}),
            2,
        ),
    ] {
        let (_, told) = yaplet_sale(&mut service, over.clone()).await;
        assert_eq!(told.len(), warnings, "{over}: {told:?}");
    }
    let sale = json!({
        "transaction_id": "1", "amount_cents": 1, "customer_key": "k", "is_recurring": "often", "sale_type": [1, 2],
        "line_items": ["x".repeat(40_000)], "additional_data": "x"
    });
    assert_eq!(service.accepted(post(AFFITOR, &sale)).await.0.warnings.len(), 4);
    let lead = json!({"click_id": "k", "email": "nobody", "page_url": "x".repeat(5_000)});
    assert_eq!(
        service
            .accepted(post("/api/v1/track/lead", &lead))
            .await
            .0
            .warnings
            .len(),
        2
    );
    let payment =
        json!({"clientId": 12345, "sessionId": "s", "leadValue": 1, "customerEmail": "x", "customerName": 7});
    assert_eq!(service.accepted(post(AFFY, &payment)).await.0.warnings.len(), 1);
    let twice = r#"{"external_id":"1","coupon":"C","meta_data":{"a":1,"a":2},"ip":"1","ip":"2"}"#;
    let (event, _) = service.accepted(send(POSTBACK, "", twice)).await;
    assert_eq!(
        (event.warnings.len(), create_of(event).meta_data["a"].clone()),
        (2, json!(1))
    );
}

#[tokio::test]
async fn character_sets_and_careless_json_are_read() {
    let mut service = Service::new();
    let create = create_of(
        service
            .accepted(get("external_id=1&coupon=C&unread=%E9&user_agent=caf%E9"))
            .await
            .0,
    );
    assert_eq!(create.details["user_agent"], "caf\u{fffd}");
    let reply = service.refused(get("external_id=%E9&coupon=C"), 400).await;
    assert!(
        reply.text.contains("external_id contains what is not UTF-8"),
        "{reply:?}"
    );
    let latin = b"{\"external_id\":\"\xe9\",\"coupon\":\"C\"}".to_vec();
    let (event, _) = service
        .accepted(send(
            POSTBACK,
            "application/json; charset=iso-8859-1",
            latin.clone(),
        ))
        .await;
    assert_eq!(event.order(), Some("\u{e9}"));
    service
        .refused(send(POSTBACK, "application/json", latin), 400)
        .await;
    let half = r#"{"order_id":"1","total_amount":1,"customer":{"email":"a@b","name":"Jo \ud83d"},"x":NaN,}"#;
    let create = create_of(service.accepted(send(YAPLET, "", half)).await.0);
    assert_eq!(create.customer.unwrap().name.as_deref(), Some("Jo \u{fffd}"));
    let wrong = r#"{"order_id":"1","total_amount":NaN,"customer":{"email":"a@b"}}"#;
    let reply = service.refused(send(YAPLET, "", wrong), 400).await;
    assert!(reply.text.contains("total_amount must be a number"), "{reply:?}");
    for neither in [
        "<order><external_id>1</external_id></order>",
        "/* sale */ {\"external_id\": 1}",
    ] {
        let reply = service.refused(send(POSTBACK, "", neither), 400).await;
        assert!(reply.text.contains("neither JSON nor a form"), "{reply:?}");
    }
    let form = "--b\r\nContent-Disposition: form-data; name=\"external_id\"\r\n\r\nX\r\n--b\r\n\
                Content-Disposition: form-data; name=\"coupon\"\r\n\r\nC\r\n--b--\r\n";
    let (event, _) = service
        .accepted(send(POSTBACK, "multipart/form-data; boundary=b", form))
        .await;
    assert_eq!(event.order(), Some("X"));
}

#[tokio::test]
async fn numbers_are_read_as_they_were_meant_or_refused() {
    let mut service = Service::new();
    for (amount, want) in [("-3.5e-15", "0"), ("\"1,234.50\"", "1234.5"), ("1e2", "100")] {
        let body = format!(r#"{{"external_id":1001.0,"coupon":"C","amount":{amount}}}"#);
        let (event, _) = service.accepted(send(POSTBACK, "", body)).await;
        assert_eq!(event.order(), Some("1001"));
        assert_eq!(create_of(event).amount, want.parse().unwrap(), "{amount}");
    }
    for amount in [
        "\"1.234,50\"",
        "\"1,234\"",
        "\"\"",
        "false",
        "[]",
        "{}",
        "[1]",
        "\"[amount]\"",
    ] {
        let body = format!(r#"{{"external_id":"1","coupon":"C","amount":{amount}}}"#);
        let reply = service.refused(send(POSTBACK, "", body), 400).await;
        assert!(reply.text.contains("amount"), "{amount}: {reply:?}");
    }
    assert_eq!(
        create_of(service.accepted(get("external_id=1&coupon=C&amount=")).await.0).amount,
        0.into()
    );
    let clp = |amount: &str| get(&format!("external_id=1&coupon=C&currency=clp&amount={amount}"));
    service.refused(clp("139.980"), 400).await;
    let update = "/1.7/pb/con/u/?external_id=1&currency=JPY&amount=1.500";
    service
        .refused(request("GET", update, &[("X-Api-Key", KEY)], ""), 400)
        .await;
    assert_eq!(service.accepted(clp("139.98")).await.0.warnings.len(), 1);
    assert_eq!(service.accepted(clp("139980.00")).await.0.warnings.len(), 0);
}

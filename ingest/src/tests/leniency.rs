//! What published clients really send, whatever they declare.

use axum::{body::Body, http::Request};
use serde_json::json;

use super::{KEY, Service, create_of, request};

fn call(method: &str, query: &str, content_type: &str, body: &str) -> Request<Body> {
    let path = format!("/1.7/pb/con/c/{query}");
    let headers = [("Api-Key", KEY), ("Content-Type", content_type)];
    request(method, &path, &headers, body.to_owned())
}

#[tokio::test]
async fn the_body_decides_and_not_its_declared_type() {
    let mut service = Service::new();
    let json = r#"{"external_id":"1","coupon":"C","amount":"5","meta_data":{"k":"v"}}"#;
    let form = "external_id=1&coupon=C&amount=5&meta_data%5Bk%5D=v";
    let spaced = format!("\u{feff} {json}\r\n");
    for request in [
        call("POST", "", "application/json", json),
        call("POST", "", "application/x-www-form-urlencoded", json),
        call("POST", "", "text/plain; charset=utf-8", json),
        call("POST", "", "", json),
        call("POST", "", "application/json", &spaced),
        call("POST", "", "application/x-www-form-urlencoded", form),
        call("POST", "", "application/json", form),
        call("GET", &format!("?{form}"), "application/json", ""),
        call("GET", "", "application/json", json),
        call(
            "POST",
            "?external_id=1&coupon=C",
            "application/json",
            r#"{"amount":5,"meta_data":{"k":"v"}}"#,
        ),
    ] {
        let (event, _) = service.accepted(request).await;
        let create = create_of(event);
        assert_eq!(create.external_id.as_deref(), Some("1"));
        assert_eq!(create.amount, 5.into());
        assert_eq!(create.meta_data["k"], "v");
    }
}

#[tokio::test]
async fn nulls_numbers_and_unknown_fields_are_taken() {
    let mut service = Service::new();
    for body in [
        json!({"external_id": 17, "coupon": "C", "amount": null, "currency": null, "customer_id": null}),
        json!({"external_id": "17", "coupon": "C", "currency": "", "customer_id": ""}),
        json!({"external_id": 17.0, "coupon": ["C"], "currency": false, "customer_id": [], "meta_data": false}),
        json!({"external_id": "17", "coupon": "C", "meta_data": [], "debug_mode": true, "x": {"y": [null]}}),
        json!({"external_id": "17", "coupon": "C", "meta_data": null, "ignored": "{macro}"}),
    ] {
        let request = call("POST", "", "application/json", &body.to_string());
        let (event, _) = service.accepted(request).await;
        let create = create_of(event);
        assert_eq!(create.external_id.as_deref(), Some("17"));
        assert_eq!(
            (create.amount, create.currency, create.customer),
            (0.into(), None, None)
        );
        assert!(create.meta_data.is_empty());
    }
}

#[tokio::test]
async fn an_amount_never_passes_through_a_float() {
    let mut service = Service::new();
    for text in ["0.1", "100.10", "123456789012.123456", "1.1e1", "\"99.99\""] {
        let body = format!(r#"{{"external_id":"1","coupon":"C","amount":{text}}}"#);
        let (event, _) = service.accepted(call("POST", "", "", &body)).await;
        let want: rust_decimal::Decimal = match text {
            "1.1e1" => "11".parse().unwrap(),
            text => text.trim_matches('"').parse().unwrap(),
        };
        assert_eq!(create_of(event).amount, want);
    }
}

#[tokio::test]
async fn space_around_ids_and_codes_does_not_count() {
    let mut service = Service::new();
    let body =
        json!({"external_id": "ORD77\n", "coupon": " C", "customer_id": "c ", "referral_code": " nwjinmy"});
    let query = "?external_id=+ORD77&coupon=C%20&customer_id=%09c&referral_code=nwjinmy%0D%0A";
    for request in [
        call("POST", "", "application/json", &body.to_string()),
        call("GET", query, "", ""),
    ] {
        let create = create_of(service.accepted(request).await.0);
        assert_eq!(create.external_id.as_deref(), Some("ORD77"));
        assert_eq!(create.attribution.coupon.as_deref(), Some("C"));
        assert_eq!(create.attribution.referral_code.as_deref(), Some("nwjinmy"));
        assert_eq!(create.customer.unwrap().external_id.as_deref(), Some("c"));
    }
    let sale =
        json!({"order_id": " 1 ", "total_amount": 1, "customer": {"email": "a@b", "customer_id": "\tc"}});
    let path = "/api/affiliates/track/%20AUTUMN%0A";
    let track = request("POST", path, &[("Y-API-Key", KEY)], sale.to_string());
    let create = create_of(service.accepted(track).await.0);
    assert_eq!(create.external_id.as_deref(), Some("1"));
    assert_eq!(create.attribution.coupon.as_deref(), Some("AUTUMN"));
    assert_eq!(create.customer.unwrap().external_id.as_deref(), Some("c"));
}

/// Of two values neither can be trusted, but only where one is asked for.
#[tokio::test]
async fn what_nobody_reads_may_come_twice_and_so_may_equal_values() {
    let mut service = Service::new();
    let twice = r#"{"external_id":"1","coupon":"C","amount":5,"utm":1,"utm":2,"x":{"y":1,"y":2},"amount":5}"#;
    for request in [
        call(
            "GET",
            "?external_id=1&coupon=C&amount=5&utm=1&utm=2&x[y]=1&x=2",
            "",
            "",
        ),
        call("GET", "?external_id=1&coupon=C&coupon=C&amount=5", "", ""),
        call("POST", "", "", twice),
        call(
            "POST",
            "?external_id=1&amount=5&utm=1",
            "",
            r#"{"external_id":1,"coupon":"C","amount":5,"utm":2}"#,
        ),
    ] {
        let create = create_of(service.accepted(request).await.0);
        assert_eq!(create.external_id.as_deref(), Some("1"));
        assert_eq!(create.amount, 5.into());
    }
    for (request, named) in [
        (
            call("GET", "?external_id=1&coupon=C&amount=5&amount=6", "", ""),
            "amount",
        ),
        (
            call(
                "POST",
                "?external_id=1&amount=5",
                "",
                r#"{"coupon":"C","amount":6}"#,
            ),
            "amount",
        ),
    ] {
        let reply = service.refused(request, 400).await;
        assert_eq!(reply.json()["message"], format!("{named} is sent twice"));
    }
    let path = "/api/affiliates/track/AUTUMN";
    let track = |customer: &str| {
        let body = format!(r#"{{"order_id":"1","total_amount":1,"customer":{customer}}}"#);
        request("POST", path, &[("Y-API-Key", KEY)], body)
    };
    let unread = r#"{"email":"a@b","unread":1,"unread":2}"#;
    service.accepted(track(unread)).await;
    for (customer, named) in [
        (r#"{"email":"a@b","email":"c@d"}"#, "customer.email"),
        (r#"{"email":"a@b"},"customer":{"email":"c@d"}"#, "customer"),
    ] {
        let reply = service.refused(track(customer), 400).await;
        assert_eq!(reply.json()["message"], format!("{named} is sent twice"));
    }
}

//! con/c and con/u: what they take, and every way they answer.

use std::time::Duration;

use axum::{body::Body, http::Request};
use common::domain::{
    Applied, Body as EventBody, ClickSummary, ConversionStatus, Dialect, First, Identity, MetaData, Outcome,
    PublicId, PublicIdKind, Reason, RefundView, UpdateConversion,
};
use serde_json::{Value, json};

use super::{KEY, Reply, Service, applied, conversion, create_of, event_id, refusal, request, time};
use crate::pipeline::Answer;

const CREATE: &str = "/1.7/pb/con/c/?referral_code=ada1&amount=120&external_id=order-1";

fn get(path: &str) -> Request<Body> {
    request("GET", path, &[("X-Api-Key", KEY)], "")
}

fn post(path: &str, body: &Value) -> Request<Body> {
    request("POST", path, &[("X-Api-Key", KEY)], body.to_string())
}

/// Newer clients read `message`, older ones `errors[0].message`.
fn message(reply: &Reply) -> String {
    let json = reply.json();
    assert_eq!(json["code"], json!(reply.status.as_u16()));
    assert_eq!(json["errors"][0]["message"], json["message"]);
    json["message"].as_str().unwrap().to_owned()
}

fn update_of(body: EventBody) -> UpdateConversion {
    match body {
        EventBody::UpdateConversion(update) => update,
        other => panic!("not an update: {other:?}"),
    }
}

#[tokio::test]
async fn all_parameters_reach_the_event() {
    let mut service = Service::new();
    let body = json!({
        "external_id": "order-1", "coupon": "C", "click_id": "k", "referral_code": "r", "asset_id": "a",
        "source_id": "s", "amount": "120.10", "currency": "eur", "customer_id": "c-9",
        "meta_data": {"test": "value"}, "user_agent": "Mozilla/5.0", "ip": "192.0.2.1", "other": [1]
    });
    let (event, _) = service.accepted(post("/1.7/pb/con/c", &body)).await;
    assert_eq!((event.dialect, event.authenticated), (Dialect::Postback, true));
    let create = create_of(event);
    let sent = create.attribution;
    assert_eq!(create.external_id.as_deref(), Some("order-1"));
    assert_eq!(
        [
            sent.coupon,
            sent.click_id,
            sent.referral_code,
            sent.asset_id,
            sent.source_id
        ]
        .map(Option::unwrap),
        ["C", "k", "r", "a", "s"]
    );
    assert_eq!(create.amount.to_string(), "120.1");
    assert_eq!(create.currency.unwrap().code(), "EUR");
    assert_eq!(create.meta_data["test"], "value");
    assert_eq!(create.details["user_agent"], "Mozilla/5.0");
    assert_eq!(create.details["ip"], "192.0.2.1");
    let customer = create.customer.unwrap();
    assert_eq!(customer.identity, Identity::Id("c-9".to_owned()));
    assert_eq!(customer.external_id.as_deref(), Some("c-9"));
}

#[tokio::test]
async fn both_methods_and_both_paths_create() {
    let mut service = Service::new();
    let body = json!({"referral_code": "ada1", "amount": 120, "external_id": "order-1"});
    for call in [
        get(CREATE),
        get(&CREATE.replace("/?", "?")),
        post("/1.7/pb/con/c/", &body),
        post("/1.7/pb/con/c", &body),
    ] {
        let (event, _) = service.accepted(call).await;
        let create = create_of(event);
        assert_eq!(create.amount, 120.into());
        assert_eq!(create.attribution.referral_code.as_deref(), Some("ada1"));
        assert!(create.currency.is_none() && create.customer.is_none());
    }
    let (event, _) = service
        .accepted(get("/1.7/pb/con/c?coupon=C&external_id=1"))
        .await;
    assert_eq!(create_of(event).amount, 0.into(), "the amount is optional");
}

#[tokio::test]
async fn success_prints_the_documented_conversion() {
    let mut service = Service::new();
    let (reply, _) = service.exchange(get(CREATE), Answer::Outcome(applied())).await;
    let public = |kind, number| PublicId::new(kind, number).to_string();
    let ada = json!({"id": "ada", "firstname": "Ada", "lastname": "Example"});
    let commission = |number, kind: &str, amount: f64| {
        json!({
            "kind": kind, "affiliate": ada, "currency": "USD",
            "id": public(PublicIdKind::Commission, number),
            "created_at": "2026-11-20T08:51:10+00:00", "payout": null, "commission_type": "standard",
            "approved": null, "amount": amount, "comment": null, "conversion_sub_amount": 120.0, "final": null
        })
    };
    assert_eq!(reply.status.as_u16(), 200);
    assert_eq!(
        reply.json(),
        json!({
            "id": public(PublicIdKind::Conversion, 3), "created_at": "2026-11-20T08:51:10+00:00",
            "click": null, "affiliate_meta_data": null,
            "program": {"id": "shop", "title": "The shop", "currency": "USD"},
            "affiliate": ada, "warnings": null, "amount": 120.0, "meta_data": {},
            "customer": {"id": public(PublicIdKind::Customer, 9), "customer_id": "c-9", "status": "active"},
            "external_id": "order-1",
            "commissions": [commission(11, "level", 6.0), commission(12, "regular", 12.34)]
        })
    );
    for name in ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"] {
        assert!(reply.header(name).parse::<u64>().is_ok(), "{name}");
    }
}

#[tokio::test]
async fn the_click_its_meta_data_and_warnings_are_printed_where_there_are_any() {
    let mut service = Service::new();
    let mut view = conversion();
    view.click = Some(ClickSummary {
        created_at: time("2026-11-19T08:51:10.9Z"),
        referrer: Some("https://blog.example/".to_owned()),
        landing_page: None,
    });
    view.affiliate_meta_data = Some(MetaData::from_iter([("subid1".to_owned(), "baz".into())]));
    view.warnings = vec!["the customer is capped".to_owned()];
    let refund = RefundView {
        conversion: view.clone(),
        deducted: 1.into(),
        is_full: false,
        is_repeat: false,
        warnings: Vec::new(),
    };
    for applied in [
        Applied::Conversion(Box::new(view)),
        Applied::Refund(Box::new(refund)),
    ] {
        let answer = Answer::Outcome(Outcome::Applied(applied));
        let (reply, _) = service.exchange(get(CREATE), answer).await;
        let json = reply.json();
        assert_eq!(
            json["click"],
            json!({
                "created_at": "2026-11-19T08:51:10+00:00", "referrer": "https://blog.example/", "landing_page": null
            })
        );
        assert_eq!(json["affiliate_meta_data"], json!({"subid1": "baz"}));
        assert_eq!(json["warnings"], json!(["the customer is capped"]));
        assert!(reply.text.starts_with(r#"{"id":"cv_"#), "in the documented order");
    }
}

#[tokio::test]
async fn refusals_have_their_status() {
    let mut service = Service::new();
    for (reason, status) in [
        (Reason::NotAttributed, 400),
        (Reason::AffiliateNotApproved, 400),
        (Reason::DuplicateOrder, 400),
        (Reason::UnknownCommissionType, 400),
        (Reason::AmountOutOfRange, 400),
        (Reason::IdempotencyConflict, 422),
        (Reason::WindowExpired, 400),
        (Reason::CustomerElsewhere, 400),
    ] {
        let (reply, _) = service.exchange(get(CREATE), refusal(reason, None)).await;
        assert_eq!(reply.status.as_u16(), status, "{reason:?}");
        assert_eq!(message(&reply), "the detail");
    }
    for reason in [Reason::UnknownOrder, Reason::ParkingFull] {
        let call = get("/1.7/pb/con/u/?external_id=order-1&amount=1");
        let (reply, _) = service.exchange(call, refusal(reason, None)).await;
        assert_eq!(reply.status.as_u16(), 404, "{reason:?}");
        assert_eq!(message(&reply), "the detail");
    }
}

#[tokio::test]
async fn a_duplicate_tells_of_the_first() {
    let mut service = Service::new();
    let first = First::new(event_id(77), Some(applied()));
    let answer = refusal(Reason::DuplicateOrder, Some(first));
    let (reply, _) = service.exchange(get(CREATE), answer).await;
    assert_eq!(message(&reply), "the detail");
    let json = reply.json();
    assert_eq!(json["event_id"], event_id(77).to_string());
    assert_eq!(json["conversion"]["external_id"], "order-1");
    assert_eq!(json["conversion"]["commissions"][1]["amount"], json!(12.34));
}

#[tokio::test]
async fn a_repeated_request_gets_the_first_answer() {
    let mut service = Service::new();
    let repeat = |outcome| {
        let first = First::new(event_id(77), outcome);
        refusal(Reason::IdempotentRepeat, Some(first))
    };
    let (first, _) = service.exchange(get(CREATE), Answer::Outcome(applied())).await;
    let (again, _) = service.exchange(get(CREATE), repeat(Some(applied()))).await;
    assert_eq!((again.status, again.text), (first.status, first.text));
    for waiting in [None, Some(Outcome::Queued)] {
        let (reply, _) = service.exchange(get(CREATE), repeat(waiting)).await;
        assert_eq!(reply.status.as_u16(), 202);
        assert_eq!(reply.json()["event_id"], event_id(77).to_string());
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
        let (reply, submitted) = service.exchange(get(CREATE), answer).await;
        let id = submitted.unwrap().0.id;
        assert_eq!(reply.json(), json!({"event_id": id, "status": "accepted"}));
        assert_eq!(
            (reply.status.as_u16(), reply.header("location")),
            (202, &*format!("/v1/events/{id}"))
        );
    }
    let answer = Answer::Unavailable {
        retry_after: Duration::from_secs(2),
    };
    let (reply, _) = service.exchange(get(CREATE), answer).await;
    assert_eq!((reply.status.as_u16(), reply.header("retry-after")), (503, "2"));
    message(&reply);
}

#[tokio::test]
async fn missing_and_wrong_parameters_are_named() {
    let mut service = Service::new();
    let required = "one of coupon, click_id, referral_code, or asset_id together with source_id is required";
    for (query, want) in [
        ("referral_code=r", "external_id is required"),
        ("external_id=1", required),
        ("external_id=1&coupon=&asset_id=a", required),
        ("external_id=1&source_id=s", required),
        ("external_id=1&coupon=C&amount=lots", "amount must be a number"),
        ("external_id=1&coupon=C&amount=-1", "amount must not be negative"),
        (
            "external_id=1&coupon=C&amount=%24%7Bamount%7D",
            "amount is an unresolved macro",
        ),
        (
            "external_id={order_id}&coupon=C",
            "external_id is an unresolved macro",
        ),
        (
            "external_id=%2523%7Border_id%7D&coupon=C",
            "external_id is an unresolved macro",
        ),
        ("external_id=1&coupon=%23s1%23", required),
        (
            "external_id=0&coupon=C",
            "external_id is a placeholder (0) and no id",
        ),
        (
            "external_id=1&coupon=C&currency=XXXX",
            "currency must be an ISO 4217 code",
        ),
        (
            "external_id=1&coupon=C&currency=XAU",
            "currency must be an ISO 4217 code with a minor unit",
        ),
        (
            "external_id=1&external_id=2&coupon=C",
            "external_id is sent twice",
        ),
        (
            "external_id=1%00&coupon=C",
            "external_id begins or ends with a sign that nobody sees (U+0000)",
        ),
    ] {
        let reply = service
            .refused(get(&format!("/1.7/pb/con/c/?{query}")), 400)
            .await;
        assert_eq!(message(&reply), want, "{query}");
    }
    let both = post(
        "/1.7/pb/con/c/?external_id=1",
        &json!({"external_id": "2", "coupon": "C"}),
    );
    assert_eq!(
        message(&service.refused(both, 400).await),
        "external_id is sent twice"
    );
    service
        .accepted(get("/1.7/pb/con/c/?external_id=1&asset_id=a&source_id=s"))
        .await;
    service
        .accepted(get("/1.7/pb/con/c/?external_id=1&click_id=k"))
        .await;
}

#[tokio::test]
async fn an_update_changes_only_what_is_sent() {
    let mut service = Service::new();
    let query = "external_id=order-1&amount=100&meta_data[test]=value&status=disapproved";
    for path in ["/1.7/pb/con/u", "/1.7/pb/con/u/"] {
        let (event, _) = service.accepted(get(&format!("{path}?{query}"))).await;
        let update = update_of(event.body);
        assert_eq!(
            (update.external_id.as_str(), update.amount),
            ("order-1", Some(100.into()))
        );
        assert_eq!(update.status, Some(ConversionStatus::Disapproved));
        assert_eq!(Value::from(update.meta_data.unwrap()), json!({"test": "value"}));
    }
    let body = json!({"external_id": "order-1", "status": "Approved", "amount": null});
    let (event, _) = service.accepted(post("/1.7/pb/con/u/", &body)).await;
    let update = update_of(event.body);
    assert_eq!((update.amount, update.meta_data), (None, None));
    assert_eq!(update.status, Some(ConversionStatus::Approved));
    for (body, want) in [
        (json!({"amount": 1}), "external_id is required"),
        (
            json!({"external_id": "1", "status": "nonsense"}),
            "status must be approved or disapproved",
        ),
        (
            json!({"external_id": "1", "amount": true}),
            "amount must be a number",
        ),
    ] {
        assert_eq!(
            message(&service.refused(post("/1.7/pb/con/u", &body), 400).await),
            want
        );
    }
}

#[tokio::test]
async fn keys_features_and_scopes_are_checked_first() {
    let mut service = Service::new();
    let body = json!({"external_id": "1", "coupon": "C"}).to_string();
    for name in ["X-Api-Key", "Api-Key", "api-key", "X-API-KEY"] {
        service
            .accepted(request("POST", "/1.7/pb/con/c", &[(name, KEY)], body.clone()))
            .await;
    }
    for headers in [
        [].as_slice(),
        &[("X-Api-Key", "wrong")],
        &[("Authorization", KEY)],
    ] {
        let reply = service.refused(request("GET", CREATE, headers, ""), 401).await;
        assert_eq!(message(&reply), "Authentication Failed.");
    }
    for key in ["locked-key", "reader-key"] {
        let reply = service
            .refused(request("GET", CREATE, &[("Api-Key", key)], ""), 403)
            .await;
        message(&reply);
        assert_eq!(reply.header("x-ratelimit-limit"), "100000");
    }
}

#[tokio::test]
async fn a_key_has_its_rate() {
    let mut service = Service::new();
    let call = || request("GET", CREATE, &[("X-Api-Key", "slow-key")], "");
    for remaining in ["1", "0"] {
        let (reply, _) = service.exchange(call(), Answer::Accepted).await;
        assert_eq!(reply.header("x-ratelimit-remaining"), remaining);
        assert_eq!(reply.header("x-ratelimit-limit"), "2");
    }
    let reply = service.refused(call(), 429).await;
    assert_eq!(message(&reply), "You exceeded the rate limit");
    assert_eq!(
        (reply.header("x-ratelimit-remaining"), reply.header("retry-after")),
        ("0", "30")
    );
    service.accepted(get(CREATE)).await;
}

#[tokio::test]
async fn other_paths_and_methods_answer_in_the_dialects_shape() {
    let mut service = Service::new();
    assert_eq!(
        message(&service.refused(get("/1.7/pb/con/x/"), 404).await),
        "Not Found"
    );
    for method in ["PUT", "DELETE", "HEAD"] {
        let reply = service
            .refused(request(method, CREATE, &[("X-Api-Key", KEY)], ""), 405)
            .await;
        assert_eq!(reply.header("allow"), "GET,POST", "{method}");
        if method != "HEAD" {
            message(&reply);
        }
    }
}

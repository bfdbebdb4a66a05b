//! cus/c and cus/u: what they take, and every way they answer.

use axum::{body::Body, http::Request};
use common::domain::{
    Applied, Body as EventBody, ClickSummary, CreateCustomer, CustomerId, CustomerLifecycle, CustomerRecord,
    CustomerTarget, Dialect, First, MetaData, Outcome, PublicId, PublicIdKind, Reason, UpdateCustomer,
};
use serde_json::{Value, json};

use super::{KEY, Service, affiliate, conversion, event_id, refusal, request, time};
use crate::pipeline::Answer;

const CREATE: &str = "/1.7/pb/cus/c/?referral_code=ada1&customer_id=c-9";

fn get(path: &str) -> Request<Body> {
    request("GET", path, &[("X-Api-Key", KEY)], "")
}

fn post(path: &str, body: &Value) -> Request<Body> {
    request("POST", path, &[("X-Api-Key", KEY)], body.to_string())
}

pub(super) fn create_of(body: EventBody) -> CreateCustomer {
    match body {
        EventBody::CreateCustomer(create) => *create,
        other => panic!("not a customer: {other:?}"),
    }
}

fn update_of(body: EventBody) -> UpdateCustomer {
    match body {
        EventBody::UpdateCustomer(update) => update,
        other => panic!("not an update: {other:?}"),
    }
}

pub(super) fn record() -> CustomerRecord {
    CustomerRecord {
        id: CustomerId(9),
        customer_id: Some("c-9".to_owned()),
        status: "trial".to_owned(),
        created_at: time("2026-11-20T08:51:10.123456Z"),
        click: None,
        program: conversion().program,
        affiliate: affiliate(5, "ada"),
        affiliate_meta_data: None,
        meta_data: MetaData::from_iter([("testmeta".to_owned(), "testmetavalue".into())]),
        warnings: Vec::new(),
    }
}

pub(super) fn applied(record: CustomerRecord) -> Outcome {
    Outcome::Applied(Applied::Customer(Box::new(record)))
}

#[tokio::test]
async fn both_methods_and_both_paths_create() {
    let mut service = Service::new();
    let body = json!({"referral_code": "ada1", "customer_id": "c-9"});
    for call in [
        get(CREATE),
        get(&CREATE.replace("/?", "?")),
        post("/1.7/pb/cus/c/", &body),
        post("/1.7/pb/cus/c", &body),
    ] {
        let (event, _) = service.accepted(call).await;
        assert_eq!((event.dialect, event.authenticated), (Dialect::Postback, true));
        let create = create_of(event.body);
        assert_eq!(create.customer_id, "c-9");
        assert_eq!(create.attribution.referral_code.as_deref(), Some("ada1"));
        assert_eq!(create.lifecycle, CustomerLifecycle::New, "new if none is sent");
    }
}

#[tokio::test]
async fn all_parameters_reach_the_event() {
    let mut service = Service::new();
    let body = json!({
        "customer_id": 77, "coupon": "C", "click_id": "k", "asset_id": "a", "source_id": "s", "status": "LEAD",
        "meta_data": {"tim": "tam"}, "user_agent": "Mozilla/5.0", "ip": "192.0.2.1", "other": null
    });
    let (event, _) = service.accepted(post("/1.7/pb/cus/c", &body)).await;
    let create = create_of(event.body);
    let sent = create.attribution;
    assert_eq!(create.customer_id, "77");
    assert_eq!(
        [sent.coupon, sent.click_id, sent.asset_id, sent.source_id].map(Option::unwrap),
        ["C", "k", "a", "s"]
    );
    assert_eq!(create.lifecycle, CustomerLifecycle::Lead);
    assert_eq!(create.meta_data["tim"], "tam");
    assert_eq!(create.details["ip"], "192.0.2.1");
    assert!(!create.override_max_cookie_time);
}

#[tokio::test]
async fn success_prints_the_documented_customer() {
    let mut service = Service::new();
    let (reply, _) = service
        .exchange(get(CREATE), Answer::Outcome(applied(record())))
        .await;
    let want = json!({
        "id": PublicId::new(PublicIdKind::Customer, 9).to_string(), "created_at": "2026-11-20T08:51:10+00:00",
        "click": null, "affiliate_meta_data": null,
        "program": {"id": "shop", "title": "The shop", "currency": "USD"},
        "affiliate": {"id": "ada", "firstname": "Ada", "lastname": "Example"},
        "warnings": null, "meta_data": {"testmeta": "testmetavalue"}, "customer_id": "c-9", "status": "trial"
    });
    assert_eq!((reply.status.as_u16(), reply.json()), (200, want.clone()));

    let mut clicked = record();
    clicked.click = Some(ClickSummary {
        created_at: time("2026-11-19T08:51:10Z"),
        referrer: None,
        landing_page: Some("https://shop.example/".to_owned()),
    });
    clicked.affiliate_meta_data = Some(MetaData::from_iter([("subid1".to_owned(), "baz".into())]));
    let update = get("/1.7/pb/cus/u/?customer_id=c-9&meta_data[a]=b");
    let (reply, _) = service.exchange(update, Answer::Outcome(applied(clicked))).await;
    let json = reply.json();
    assert_eq!(json["click"]["created_at"], "2026-11-19T08:51:10+00:00");
    assert_eq!(json["affiliate_meta_data"], json!({"subid1": "baz"}));
    assert_eq!(json["id"], want["id"]);
}

#[tokio::test]
async fn an_update_replaces_the_meta_data() {
    let mut service = Service::new();
    let body = json!({"customer_id": "c-9", "meta_data": {"testparam": "testvalue"}});
    for call in [
        get("/1.7/pb/cus/u/?customer_id=c-9&meta_data[testparam]=testvalue"),
        post("/1.7/pb/cus/u", &body),
    ] {
        let (event, _) = service.accepted(call).await;
        let update = update_of(event.body);
        assert_eq!(update.customer, CustomerTarget::Id("c-9".to_owned()));
        assert_eq!(
            Value::from(update.meta_data.unwrap()),
            json!({"testparam": "testvalue"})
        );
        assert!(update.customer_id.is_none() && update.action.is_none());
    }
    let (event, _) = service.accepted(get("/1.7/pb/cus/u?customer_id=c-9")).await;
    assert_eq!(update_of(event.body).meta_data, None);
}

#[tokio::test]
async fn refusals_have_their_status() {
    let mut service = Service::new();
    for (reason, created, updated) in [
        (Reason::NotAttributed, 400, 400),
        (Reason::DuplicateCustomer, 400, 400),
        (Reason::IdempotencyConflict, 422, 422),
        (Reason::UnknownCustomer, 400, 404),
        (Reason::CustomerElsewhere, 400, 404),
    ] {
        for (path, status) in [(CREATE, created), ("/1.7/pb/cus/u/?customer_id=c-9", updated)] {
            let (reply, _) = service.exchange(get(path), refusal(reason, None)).await;
            assert_eq!(reply.status.as_u16(), status, "{reason:?} {path}");
            assert_eq!(reply.json()["errors"][0]["message"], "the detail");
        }
    }
    let first = First::new(event_id(77), Some(applied(record())));
    let answer = refusal(Reason::DuplicateCustomer, Some(first));
    let (reply, _) = service.exchange(get(CREATE), answer).await;
    assert_eq!(reply.json()["event_id"], event_id(77).to_string());
    assert_eq!(reply.json()["customer"]["customer_id"], "c-9");
}

#[tokio::test]
async fn missing_and_wrong_parameters_are_named() {
    let mut service = Service::new();
    let required = "one of coupon, click_id, referral_code, or asset_id together with source_id is required";
    for (query, want) in [
        ("c/?referral_code=r", "customer_id is required"),
        ("c/?customer_id=1", required),
        ("c/?customer_id=1&source_id=s", required),
        (
            "c/?customer_id=1&coupon=C&status=gold",
            "status must be new, trial or lead",
        ),
        ("c/?customer_id={customer_id}&coupon=C", "customer_id is required"),
        ("u/?meta_data[a]=b", "customer_id is required"),
    ] {
        let reply = service.refused(get(&format!("/1.7/pb/cus/{query}")), 400).await;
        assert_eq!(reply.json()["message"], want, "{query}");
    }
    for (method, status) in [("PUT", 405), ("HEAD", 405)] {
        let call = request(method, CREATE, &[("X-Api-Key", KEY)], "");
        service.refused(call, status).await;
    }
}

//! REST 1.6, tracking: what it takes, and every way it answers.

use axum::{body::Body, http::Request};
use common::{
    domain::click_name::click_uuid,
    domain::{
        AddCommissions, AffiliateView, Applied, Body as EventBody, ClickId, ClickView, ConversionId, Dialect,
        First, Identity, Outcome, ProgramView, PublicId, PublicIdKind, Reason, RecordClick,
    },
};
use serde_json::{Value, json};

use super::{
    KEY, Reply, Service, applied, commission, conversion, create_of, customers, event_id, refusal, request,
    time,
};
use crate::{pipeline::Answer, tapfiliate::rest::MAX_COMMISSIONS};

fn post(path: &str, body: &Value) -> Request<Body> {
    raw(path, &body.to_string())
}

fn raw(path: &str, body: &str) -> Request<Body> {
    request("POST", path, &[("X-Api-Key", KEY)], body.to_owned())
}

fn message(reply: &Reply) -> String {
    let json = reply.json();
    assert_eq!(json["code"], json!(reply.status.as_u16()));
    assert_eq!(json["errors"][0]["message"], json["message"]);
    json["message"].as_str().unwrap().to_owned()
}

fn added_of(body: EventBody) -> AddCommissions {
    match body {
        EventBody::AddCommissions(add) => add,
        other => panic!("no commissions: {other:?}"),
    }
}

fn click_of(body: EventBody) -> RecordClick {
    match body {
        EventBody::Click(click) => *click,
        other => panic!("no click: {other:?}"),
    }
}

#[tokio::test]
async fn the_documented_conversion_reaches_the_event() {
    let mut service = Service::new();
    let body = json!({
        "coupon": "JANE10OFF", "external_id": "ORD005", "amount": 100, "currency": "EUR",
        "meta_data": {"foo": "bar"}, "program_group": "my-group", "user_agent": "Mozilla/5.0", "ip": "111.11.11.111"
    });
    for path in [
        "/1.6/conversions/",
        "/1.6/conversions",
        "/1.6/conversions/?override_max_cookie_time=",
        "/1.6/conversions?override_max_cookie_time=False",
    ] {
        let (event, _) = service.accepted(post(path, &body)).await;
        assert_eq!((event.dialect, event.authenticated), (Dialect::Rest, true));
        let create = create_of(event);
        assert_eq!(create.external_id.as_deref(), Some("ORD005"));
        assert_eq!(create.attribution.coupon.as_deref(), Some("JANE10OFF"));
        assert_eq!(
            (create.amount, create.currency.unwrap().code()),
            (100.into(), "EUR")
        );
        assert_eq!(Value::from(create.meta_data), json!({"foo": "bar"}));
        assert_eq!(create.details["program_group"], "my-group");
        assert_eq!(create.details["ip"], "111.11.11.111");
        assert!(!create.override_max_cookie_time && create.lines.is_empty());
    }
}

#[tokio::test]
async fn old_names_and_loose_types_are_understood() {
    let mut service = Service::new();
    let body = json!({
        "click": {"id": "k"}, "visitor_id": "v", "referral_code": "r", "asset_id": 1, "source_id": 2,
        "customer_id": 999, "amount": "12.50", "commission_type": "default", "external_id": null, "coupon": ""
    });
    for flag in ["1", "true", "True"] {
        let path = format!("/1.6/conversions/?override_max_cookie_time={flag}");
        let (event, _) = service.accepted(post(&path, &body)).await;
        let create = create_of(event);
        let sent = create.attribution;
        assert_eq!(
            [
                sent.click_id,
                sent.tracking_id,
                sent.referral_code,
                sent.asset_id,
                sent.source_id
            ]
            .map(Option::unwrap),
            ["k", "v", "r", "1", "2"]
        );
        assert_eq!(create.customer.unwrap().identity, Identity::Id("999".to_owned()));
        assert_eq!(create.amount.to_string(), "12.5");
        assert_eq!((create.external_id, create.commission_type), (None, None));
        assert!(create.override_max_cookie_time);
    }
    let newer = json!({"click_id": "new", "click": {"id": "old"}, "tracking_id": "t", "visitor_id": "v"});
    let (event, _) = service.accepted(post("/1.6/conversions/", &newer)).await;
    let sent = create_of(event).attribution;
    assert_eq!(
        (sent.click_id.unwrap(), sent.tracking_id.unwrap()),
        ("new".into(), "t".into())
    );
    let form = "coupon=C&commissions[1][sub_amount]=2&commissions[0][sub_amount]=1";
    let (event, _) = service.accepted(raw("/1.6/conversions/", form)).await;
    let parts: Vec<_> = create_of(event)
        .lines
        .iter()
        .map(|line| line.sub_amount)
        .collect();
    assert_eq!(parts, [1.into(), 2.into()]);
}

#[tokio::test]
async fn own_commissions_override_the_amount() {
    let mut service = Service::new();
    let mut body = json!({"coupon": "C", "commissions": [
        {"sub_amount": 30, "commission_type": "standard", "comment": "A {x}"},
        {"conversion_sub_amount": "50.5", "commission_type": "default"}
    ]});
    for amount in [Value::Null, json!(7)] {
        body["amount"] = amount;
        let (event, _) = service.accepted(post("/1.6/conversions/", &body)).await;
        let create = create_of(event);
        assert_eq!(create.amount.to_string(), "80.5");
        let lines: Vec<_> = create
            .lines
            .iter()
            .map(|line| {
                (
                    line.sub_amount.to_string(),
                    line.commission_type.as_deref(),
                    line.comment.as_deref(),
                )
            })
            .collect();
        assert_eq!(
            lines,
            [
                ("30".to_owned(), Some("standard"), Some("A {x}")),
                ("50.5".to_owned(), None, None)
            ]
        );
    }
    let none = json!({"coupon": "C", "amount": 7, "commissions": []});
    let (event, _) = service.accepted(post("/1.6/conversions/", &none)).await;
    assert_eq!(create_of(event).amount, 7.into());
}

#[tokio::test]
async fn a_conversion_is_printed_as_it_is_read() {
    let mut service = Service::new();
    let call = post("/1.6/conversions/", &json!({"coupon": "C"}));
    let (reply, _) = service.exchange(call, Answer::Outcome(applied())).await;
    assert_eq!(reply.status.as_u16(), 200);
    let view = conversion();
    let want = serde_json::to_string(&common::tapfiliate_json::Conversion::from(&view)).unwrap();
    assert_eq!(reply.text, want);
    assert!(want.starts_with(
        r#"{"id":3,"external_id":"order-1","amount":120,"click":null,"commissions":[{"id":11,"#
    ));
    assert!(want.contains(r#""created_at":"2026-11-20T08:51:10+0000""#));
    for name in ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"] {
        assert!(reply.header(name).parse::<u64>().is_ok(), "{name}");
    }
}

#[tokio::test]
async fn a_customer_is_created_and_printed() {
    let mut service = Service::new();
    let body = json!({
        "coupon": "JANE10OFF", "customer_id": "USER789", "status": "trial", "meta_data": {"tim": "tam"},
        "user_agent": "Mozilla/5.0", "ip": "111.11.11.111", "tracking_id": "t"
    });
    for path in ["/1.6/customers", "/1.6/customers/?override_max_cookie_time=1"] {
        let answer = Answer::Outcome(customers::applied(customers::record()));
        let (reply, submitted) = service.exchange(post(path, &body), answer).await;
        let (event, _) = submitted.unwrap();
        assert_eq!(event.dialect, Dialect::Rest);
        let create = customers::create_of(event.body);
        assert_eq!(
            (create.customer_id.as_str(), create.lifecycle.name()),
            ("USER789", "trial")
        );
        assert_eq!(create.attribution.tracking_id.as_deref(), Some("t"));
        assert_eq!(create.override_max_cookie_time, path.ends_with('1'));
        let json = reply.json();
        assert_eq!(json["created_at"], "2026-11-20T08:51:10+00:00");
        assert_eq!(json["id"], PublicId::new(PublicIdKind::Customer, 9).to_string());
        assert_eq!(json.as_object().unwrap().len(), 10);
    }
    let required = "one of coupon, referral_code, click_id, tracking_id, or asset_id together with source_id is required";
    for (body, want) in [
        (json!({"coupon": "C"}), "customer_id is required"),
        (json!({"customer_id": "1"}), required),
        (
            json!({"coupon": "C", "customer_id": "1", "status": "paying"}),
            "status must be new, trial or lead",
        ),
    ] {
        let reply = service.refused(post("/1.6/customers/", &body), 400).await;
        assert_eq!(message(&reply), want);
    }
}

#[tokio::test]
async fn a_click_is_recorded_and_named() {
    let mut service = Service::new();
    let first = time("2026-11-20T08:51:10.123Z");
    let view = ClickView {
        id: ClickId(4),
        name: None,
        session: None,
        created_at: first,
        referral_code: "janejameson".to_owned(),
        program: ProgramView {
            ..conversion().program
        },
        cookie_time: 45,
        affiliate: AffiliateView {
            ..conversion().affiliate
        },
    };
    let body = json!({
        "referral_code": "janejameson", "source_id": "1", "meta_data": {"key": "value"},
        "referrer": "https://averycoolblog.com", "landing_page": "https://tapfiliate.com/signup",
        "user_agent": "Mozilla/5.0", "ip": "8.8.8.8"
    });
    let answer = Answer::Outcome(Outcome::Applied(Applied::Click(Box::new(view))));
    let (reply, submitted) = service.exchange(post("/1.6/clicks/", &body), answer).await;
    let id = click_uuid(ClickId(4), first).to_string();
    assert_eq!((reply.status.as_u16(), reply.json()), (200, json!({"id": id})));
    let click = click_of(submitted.unwrap().0.body);
    assert_eq!(
        (click.referral_code.as_str(), click.source_id.as_deref()),
        ("janejameson", Some("1"))
    );
    assert_eq!(click.referrer.as_deref(), Some("https://averycoolblog.com"));
    assert_eq!(
        click.landing_page.as_deref(),
        Some("https://tapfiliate.com/signup")
    );
    assert_eq!(Value::from(click.meta_data), json!({"key": "value"}));
    assert_eq!(click.details["user_agent"], "Mozilla/5.0");
    let (reply, _) = service
        .exchange(post("/1.6/clicks", &body), refusal(Reason::NotAttributed, None))
        .await;
    assert_eq!(reply.status.as_u16(), 400);
}

#[tokio::test]
async fn the_meta_data_of_a_click_comes_in_three_shapes() {
    let mut service = Service::new();
    for (sent, want) in [
        (json!({"subid1": "baz"}), json!({"subid1": "baz"})),
        (json!({"key": "k", "value": "v"}), json!({"k": "v"})),
        (
            json!([{"key": "k", "value": "v"}, {"key": "l", "value": "w"}]),
            json!({"k": "v", "l": "w"}),
        ),
        (json!([{"subid1": "baz"}]), json!({"subid1": "baz"})),
        (json!([]), json!({})),
        (json!({}), json!({})),
        (Value::Null, json!({})),
        (json!("x"), json!({})),
        (json!([1]), json!({})),
        (json!({"key": 1, "value": "v"}), json!({"key": 1, "value": "v"})),
        (
            json!([{"key": "k", "value": "x".repeat(1_000)}]),
            json!({"k": "x".repeat(1_000)}),
        ),
    ] {
        let body = json!({"referral_code": "r", "meta_data": sent});
        let (event, _) = service.accepted(post("/1.6/clicks/", &body)).await;
        assert_eq!(Value::from(click_of(event.body).meta_data), want, "{sent}");
    }
    let reply = service.refused(post("/1.6/clicks/", &json!({})), 400).await;
    assert_eq!(message(&reply), "referral_code is required");
    let long = json!({"referral_code": "r/", "referrer": "x".repeat(4_001)});
    let click = click_of(service.accepted(post("/1.6/clicks/", &long)).await.0.body);
    assert_eq!(
        (
            click.referral_code.as_str(),
            click.referrer.map(|text| text.len())
        ),
        ("r", Some(4_000))
    );
}

#[tokio::test]
async fn commissions_are_added_one_or_many_by_either_id() {
    let mut service = Service::new();
    let named = PublicId::new(PublicIdKind::Conversion, 3);
    let one =
        json!({"conversion_sub_amount": 50, "commission_type": "mycommissiontype", "comment": "Awesome!"});
    for path in [
        "/1.6/conversions/3/commissions/",
        &format!("/1.6/conversions/{named}/commissions"),
    ] {
        let answer = Outcome::Applied(Applied::Commissions(vec![commission(7, "regular", "2")]));
        let (reply, submitted) = service.exchange(post(path, &one), Answer::Outcome(answer)).await;
        let added = added_of(submitted.unwrap().0.body);
        assert_eq!(added.conversion, ConversionId(3));
        let line = &added.lines[0];
        assert_eq!(
            (
                line.sub_amount,
                line.commission_type.as_deref(),
                line.comment.as_deref()
            ),
            (50.into(), Some("mycommissiontype"), Some("Awesome!"))
        );
        let shown = reply.json();
        assert_eq!(
            (shown[0]["id"].clone(), shown[0]["amount"].clone()),
            (json!(7), json!(2))
        );
        assert_eq!(shown[0].as_object().unwrap().len(), 13);
    }
    let most: Vec<_> = (0..MAX_COMMISSIONS).map(|_| one.clone()).collect();
    let call = post("/1.6/conversions/3/commissions/", &json!(most));
    let (event, _) = service.accepted(call).await;
    assert_eq!(added_of(event.body).lines.len(), MAX_COMMISSIONS);
}

#[tokio::test]
async fn one_bad_commission_fails_the_whole_request() {
    let mut service = Service::new();
    let path = "/1.6/conversions/3/commissions/";
    let one = json!({"conversion_sub_amount": 1});
    let too_many: Vec<_> = (0..=MAX_COMMISSIONS).map(|_| one.clone()).collect();
    for (body, want) in [
        (
            json!({"comment": "no amount"}),
            "conversion_sub_amount is required",
        ),
        (
            json!([one, {"comment": "x"}]),
            "[1].conversion_sub_amount is required",
        ),
        (json!([]), "the list must have 1 to 100 entries"),
        (json!(too_many), "the list must have 1 to 100 entries"),
        (
            json!([{"conversion_sub_amount": "x"}]),
            "[0].conversion_sub_amount must be a number",
        ),
    ] {
        assert_eq!(message(&service.refused(post(path, &body), 400).await), want);
    }
    for body in [
        "[1]",
        "[{",
        "[{\"conversion_sub_amount\":1,\"conversion_sub_amount\":2}]",
        "[\"\\u0000\"]",
    ] {
        service.refused(raw(path, body), 400).await;
    }
    for id in ["abc", "cv_none", "3.5", "%FF", "cu_x"] {
        let call = post(&format!("/1.6/conversions/{id}/commissions/"), &one);
        assert_eq!(message(&service.refused(call, 404).await), "Not Found");
    }
    let (reply, _) = service
        .exchange(post(path, &one), refusal(Reason::UnknownOrder, None))
        .await;
    assert_eq!(reply.status.as_u16(), 404);
}

#[tokio::test]
async fn what_is_missing_or_wrong_is_named() {
    let mut service = Service::new();
    let required = "one of customer_id, coupon, referral_code, click_id, tracking_id, or asset_id together with source_id is required";
    let many: Vec<_> = (0..=MAX_COMMISSIONS).map(|_| json!({"sub_amount": 1})).collect();
    for (body, want) in [
        (json!({"external_id": "1", "amount": 1}), required),
        (json!({"asset_id": "1"}), required),
        (json!({"coupon": "C", "amount": {}}), "amount must be a number"),
        (
            json!({"coupon": "C", "amount": -1}),
            "amount must not be negative",
        ),
        (
            json!({"coupon": "C", "currency": "XXXX"}),
            "currency must be an ISO 4217 code",
        ),
        (json!({"click": {"id": []}}), required),
        (json!({"click": {"id": ["a", "b"]}}), "click.id must be a string"),
        (
            json!({"coupon": "C", "commissions": [{"comment": "x"}]}),
            "commissions[0].sub_amount is required",
        ),
        (
            json!({"coupon": "C", "commissions": "x"}),
            "commissions must be a list of objects",
        ),
        (
            json!({"coupon": "C", "commissions": many}),
            "commissions has more than 100 entries",
        ),
        (
            json!({"coupon": "C", "commissions": [{"sub_amount": 1e12}, {"sub_amount": 1}]}),
            "commissions must not be above 1000000000000 together",
        ),
    ] {
        let reply = service.refused(post("/1.6/conversions/", &body), 400).await;
        assert_eq!(message(&reply), want);
    }
    for body in ["{", "[]", "5", "\"x\""] {
        service.refused(raw("/1.6/conversions/", body), 400).await;
    }
}

#[tokio::test]
async fn refusals_repeats_and_receipts_have_their_status() {
    let mut service = Service::new();
    let call = || {
        post(
            "/1.6/conversions/",
            &json!({"coupon": "C", "external_id": "order-1"}),
        )
    };
    for (reason, status) in [
        (Reason::NotAttributed, 400),
        (Reason::AffiliateNotApproved, 400),
        (Reason::UnknownCommissionType, 400),
        (Reason::WindowExpired, 400),
        (Reason::UnknownCustomer, 400),
        (Reason::IdempotencyConflict, 422),
    ] {
        let (reply, _) = service.exchange(call(), refusal(reason, None)).await;
        assert_eq!(
            (reply.status.as_u16(), message(&reply)),
            (status, "the detail".to_owned())
        );
    }
    let first = |outcome| First::new(event_id(77), outcome);
    let duplicate = refusal(Reason::DuplicateOrder, Some(first(Some(applied()))));
    let (reply, _) = service.exchange(call(), duplicate).await;
    assert_eq!(reply.status.as_u16(), 400);
    assert_eq!(reply.json()["conversion"]["id"], 3);
    let (done, _) = service.exchange(call(), Answer::Outcome(applied())).await;
    let repeat = refusal(Reason::IdempotentRepeat, Some(first(Some(applied()))));
    let (again, _) = service.exchange(call(), repeat).await;
    assert_eq!((again.status, again.text), (done.status, done.text));
    let (reply, submitted) = service.exchange(call(), Answer::Accepted).await;
    let id = submitted.unwrap().0.id;
    assert_eq!(reply.status.as_u16(), 202);
    assert_eq!(reply.json(), json!({"event_id": id, "status": "accepted"}));
}

#[tokio::test]
async fn keys_and_methods_are_checked_and_pages_may_call() {
    let mut service = Service::new();
    let body = json!({"coupon": "C"}).to_string();
    for (key, status) in [("wrong", 401), ("locked-key", 403), ("reader-key", 403)] {
        for name in ["X-Api-Key", "Api-Key"] {
            let call = request("POST", "/1.6/conversions/", &[(name, key)], body.clone());
            let reply = service.refused(call, status).await;
            assert_eq!(
                reply.header("access-control-allow-origin"),
                "*",
                "{}",
                message(&reply)
            );
        }
    }
    for path in [
        "/1.6/conversions/",
        "/1.6/conversions/3/commissions",
        "/1.6/clicks/",
    ] {
        let call = request("GET", path, &[("X-Api-Key", KEY)], "");
        message(&service.refused(call, 405).await);
        let asks = [
            ("Origin", "https://shop.example"),
            ("Access-Control-Request-Method", "POST"),
        ];
        let reply = service.refused(request("OPTIONS", path, &asks, ""), 204).await;
        assert!(reply.header("access-control-allow-headers").contains("X-Api-Key"));
    }
}

//! AFFY's tracking calls: the seed's examples, both ways to say who calls, and what is not taken.

use axum::{body::Body, http::Request};
use common::domain::{
    Applied, Body as Asked, ClickId, ClickView, CustomerId, CustomerRecord, Dialect, Event, First, Identity,
    Lead, LeadView, MetaData, OrgId, Outcome, ProgramId, ProgramView, Reason, RecordClick,
};
use serde_json::{Value, json};

use super::{
    Answer, KEY, Service, affiliate, applied, conversion, create_of, event_id, refusal, request, time,
};

const CLICK: &str = r#"{"clientId": 12345, "affiliateReference": "aff_xyz123", "clickId": "click_unique_id",
    "sessionId": "session_unique_id", "clickedUrl": "https://yourwebsite.com/pricing",
    "referrerUrl": "https://blog.example.com/review", "userAgent": "Mozilla/5.0 ...", "source": "blog"}"#;
const REGISTRATION: &str = r#"{"clickId": "click_unique_id", "email": "customer@example.com",
    "customerId": "your_internal_user_id", "customerName": "Jane Smith"}"#;
const LEAD: &str = r#"{"clientId": 12345, "leadType": "REGISTRATION", "customerEmail": "customer@example.com",
    "customerName": "Jane Smith", "sessionId": "session_unique_id"}"#;
const PAYMENT: &str = r#"{"clientId": 12345, "leadType": "PAYMENT", "customerEmail": "customer@example.com",
    "leadValue": 99.00, "sessionId": "session_unique_id"}"#;

fn post(path: &str, body: impl Into<Body>) -> Request<Body> {
    request("POST", &format!("/api/v1/tracking/{path}"), &[], body)
}

fn keyed(path: &str, key: &str, body: impl Into<Body>) -> Request<Body> {
    let key = format!("Bearer {key}");
    request(
        "POST",
        &format!("/api/v1/tracking/{path}"),
        &[("Authorization", &key)],
        body,
    )
}

/// The example with some fields replaced; null takes one away.
fn with(example: &str, over: &Value) -> String {
    let mut body: Value = serde_json::from_str(example).unwrap();
    for (name, value) in over.as_object().unwrap() {
        body[name] = value.clone();
    }
    body.to_string()
}

fn program() -> ProgramView {
    ProgramView {
        slug: "shop".to_owned(),
        title: "The shop".to_owned(),
        currency: "USD".parse().unwrap(),
    }
}

fn clicked() -> Answer {
    Answer::Outcome(Outcome::Applied(Applied::Click(Box::new(ClickView {
        id: ClickId(789),
        name: Some("click_unique_id".to_owned()),
        session: Some("session_unique_id".to_owned()),
        created_at: time("2026-03-01T14:30:00Z"),
        referral_code: "aff_xyz123".to_owned(),
        program: program(),
        cookie_time: 30,
        affiliate: affiliate(5, "affyann"),
    }))))
}

fn lead_recorded() -> Answer {
    let customer = CustomerRecord {
        id: CustomerId(456),
        customer_id: Some("your_internal_user_id".to_owned()),
        status: "lead".to_owned(),
        created_at: time("2026-03-01T14:30:00Z"),
        click: None,
        program: program(),
        affiliate: affiliate(5, "affyann"),
        affiliate_meta_data: None,
        meta_data: MetaData::new(),
        warnings: Vec::new(),
    };
    Answer::Outcome(Outcome::Applied(Applied::Lead(Box::new(LeadView {
        customer,
        click: None,
        is_provisional: false,
    }))))
}

fn click_of(event: Event) -> RecordClick {
    match event.body {
        Asked::Click(click) => *click,
        other => panic!("not a click: {other:?}"),
    }
}

fn lead_of(event: Event) -> Lead {
    match event.body {
        Asked::Lead(lead) => *lead,
        other => panic!("not a lead: {other:?}"),
    }
}

#[tokio::test]
async fn the_click_of_the_seed() {
    let mut service = Service::new();
    let (reply, submitted) = service.exchange(post("click", CLICK), clicked()).await;
    let want = json!({"success": true, "clickId": 789, "sessionId": "session_unique_id",
        "message": "Click tracked successfully"});
    assert_eq!((reply.status.as_u16(), reply.json()), (200, want));
    let (event, _) = submitted.unwrap();
    assert_eq!(
        (event.dialect, event.org, event.authenticated),
        (Dialect::Affy, Some(OrgId(1)), false)
    );
    let click = click_of(event);
    assert_eq!(click.referral_code, "aff_xyz123");
    assert_eq!(click.name.as_deref(), Some("click_unique_id"));
    assert_eq!(click.session.as_deref(), Some("session_unique_id"));
    assert_eq!(
        click.landing_page.as_deref(),
        Some("https://yourwebsite.com/pricing")
    );
    assert_eq!(click.referrer.as_deref(), Some("https://blog.example.com/review"));
    let details = json!({"user_agent": "Mozilla/5.0 ...", "source": "blog"});
    assert_eq!(Value::from(click.details), details);
}

#[tokio::test]
async fn the_registration_of_the_seed_is_found_by_its_click() {
    let mut service = Service::new();
    let (reply, submitted) = service
        .exchange(post("registration", REGISTRATION), lead_recorded())
        .await;
    let want = json!({"success": true, "leadId": 456, "clickId": "click_unique_id",
        "message": "Registration linked to affiliate referral"});
    assert_eq!((reply.status.as_u16(), reply.json()), (200, want));
    let (event, _) = submitted.unwrap();
    assert_eq!((event.org, event.authenticated), (None, false));
    let lead = lead_of(event);
    assert_eq!(lead.click_ids, ["click_unique_id"]);
    assert_eq!(lead.customer_id.as_deref(), Some("your_internal_user_id"));
    assert_eq!(lead.email.as_deref(), Some("customer@example.com"));
    assert_eq!(lead.name.as_deref(), Some("Jane Smith"));
    // A key or a client id says at once whose it is.
    let (event, _) = service.accepted(keyed("registration", KEY, REGISTRATION)).await;
    assert_eq!((event.org, event.authenticated), (Some(OrgId(1)), true));
    let body = with(REGISTRATION, &json!({"clientId": "67890"}));
    let (event, _) = service.accepted(post("registration", body)).await;
    assert_eq!((event.org, event.authenticated), (Some(OrgId(2)), false));
}

#[tokio::test]
async fn the_lead_of_the_seed_by_both_paths() {
    let mut service = Service::new();
    for (path, body) in [
        ("lead", LEAD.to_owned()),
        ("lead/", LEAD.to_owned()),
        ("lead/registration", LEAD.to_owned()),
        ("lead/registration", with(LEAD, &json!({"leadType": null}))),
    ] {
        let (reply, submitted) = service.exchange(post(path, body), lead_recorded()).await;
        let want =
            json!({"success": true, "leadId": 456, "message": "Registration linked to affiliate referral"});
        assert_eq!((reply.status.as_u16(), reply.json()), (200, want), "{path}");
        let lead = lead_of(submitted.unwrap().0);
        assert_eq!(lead.session.as_deref(), Some("session_unique_id"));
        assert_eq!((lead.click_ids.len(), lead.customer_id), (0, None));
        assert_eq!(lead.email.as_deref(), Some("customer@example.com"));
    }
}

#[tokio::test]
async fn the_payment_of_the_seed_by_both_paths() {
    let mut service = Service::new();
    for (path, body) in [
        ("lead", PAYMENT.to_owned()),
        ("lead/payment/", PAYMENT.to_owned()),
        ("lead/payment", with(PAYMENT, &json!({"leadType": null}))),
        (
            "lead",
            with(PAYMENT, &json!({"leadType": " payment ", "leadValue": "99.00"})),
        ),
    ] {
        let (reply, submitted) = service
            .exchange(post(path, body), Answer::Outcome(applied()))
            .await;
        let want = json!({"success": true, "leadId": 3, "leadValue": 120, "conversionSource": "TRACKING_API",
            "message": "Payment linked to affiliate referral"});
        assert_eq!((reply.status.as_u16(), reply.json()), (200, want), "{path}");
        let (event, _) = submitted.unwrap();
        assert_eq!(
            (event.org, event.authenticated, &event.idempotency),
            (Some(OrgId(1)), false, &None)
        );
        let create = create_of(event);
        assert_eq!(create.amount, "99".parse().unwrap());
        assert_eq!(create.attribution.session.as_deref(), Some("session_unique_id"));
        assert_eq!(
            (create.external_id, create.currency, create.customer),
            (None, None, None)
        );
        let details = json!({"customer_email": "customer@example.com"});
        assert_eq!(Value::from(create.details), details);
    }
}

#[tokio::test]
async fn what_a_payment_may_say_besides() {
    let mut service = Service::new();
    let body = with(
        PAYMENT,
        &json!({"clickId": "c-1", "currency": "eur", "customerId": 17, "customerName": "Jane", "leadValue": 0}),
    );
    let create = create_of(service.accepted(keyed("lead", KEY, body)).await.0);
    assert_eq!(create.attribution.click_id.as_deref(), Some("c-1"));
    assert_eq!(create.currency, Some("EUR".parse().unwrap()));
    assert_eq!(create.amount, "0".parse().unwrap());
    let customer = create.customer.unwrap();
    assert_eq!(customer.identity, Identity::Id("17".to_owned()));
    assert_eq!(customer.name.as_deref(), Some("Jane"));
    assert_eq!(customer.email.as_deref(), Some("customer@example.com"));
}

#[tokio::test]
async fn a_key_vouches_and_brings_its_program() {
    let mut service = Service::new();
    let (event, _) = service.accepted(keyed("lead", KEY, PAYMENT)).await;
    assert_eq!(
        (event.org, event.authenticated, event.program_scope),
        (Some(OrgId(1)), true, None)
    );
    let body = with(CLICK, &json!({"clientId": null}));
    let (event, _) = service.accepted(keyed("click", "other-key", body)).await;
    assert_eq!(
        (event.org, event.authenticated, event.program_scope),
        (Some(OrgId(2)), true, Some(ProgramId(7)))
    );
}

#[tokio::test]
async fn who_calls_must_be_clear() {
    let mut service = Service::new();
    for key in ["wrong", ""] {
        let reply = service.refused(keyed("lead", key, PAYMENT), 401).await;
        let want = json!({"error": "Unauthorized", "message": "Invalid or missing API key"});
        assert_eq!(reply.json(), want, "{key:?}");
    }
    let basic = [("Authorization", "Basic ZGVtbzpkZW1v")];
    let meant_to_sign = request("POST", "/api/v1/tracking/lead", &basic, PAYMENT);
    service.refused(meant_to_sign, 401).await;
    service.refused(keyed("lead", "locked-key", PAYMENT), 403).await;
    service.refused(keyed("lead", "reader-key", PAYMENT), 403).await;
    let without_feature = with(PAYMENT, &json!({"clientId": 99}));
    service.refused(post("lead", without_feature), 403).await;
    for client in [
        json!(null),
        json!(1),
        json!("x"),
        json!(-1),
        json!(1.5),
        json!(true),
        json!("99999999999999999999"),
    ] {
        for (path, example) in [("click", CLICK), ("lead", LEAD), ("lead", PAYMENT)] {
            let body = with(example, &json!({"clientId": client}));
            let reply = service.refused(post(path, body), 400).await;
            assert!(reply.text.contains("clientId"), "{client}: {reply:?}");
            assert_eq!(reply.json()["error"], "Bad Request");
        }
    }
    for client in ["12345.0", "12345.00", "\"12345.0\"", "\" 12345 \""] {
        let body = CLICK.replacen("12345", client, 1);
        let (event, _) = service.accepted(post("click", body)).await;
        assert_eq!(event.org, Some(OrgId(1)), "{client}");
    }
    // The key and the client id must mean the same organisation, and one who asks learns no more than that.
    for client in [67_890, 12_345] {
        let key = if client == 12_345 { "other-key" } else { KEY };
        let body = with(PAYMENT, &json!({"clientId": client}));
        let reply = service.refused(keyed("lead", key, body), 400).await;
        assert!(reply.text.contains("clientId"), "{reply:?}");
    }
}

#[tokio::test]
async fn what_is_wrong_is_named_and_nothing_is_submitted() {
    let mut service = Service::new();
    for (path, example, over, field) in [
        (
            "click",
            CLICK,
            json!({"affiliateReference": null}),
            "affiliateReference",
        ),
        (
            "click",
            CLICK,
            json!({"affiliateReference": "{aff}"}),
            "affiliateReference",
        ),
        (
            "click",
            CLICK,
            json!({"sessionId": null, "clickId": null}),
            "sessionId",
        ),
        (
            "click",
            CLICK,
            json!({"sessionId": " ", "clickId": ""}),
            "sessionId",
        ),
        ("click", CLICK, json!({"clickId": {"a": 1}}), "clickId"),
        ("click", CLICK, json!({"clickId": "x".repeat(256)}), "clickId"),
        ("registration", REGISTRATION, json!({"clickId": null}), "clickId"),
        ("lead", LEAD, json!({"leadType": "WISH"}), "leadType"),
        ("lead", LEAD, json!({"leadType": null}), "leadType"),
        ("lead", LEAD, json!({"sessionId": null}), "sessionId"),
        ("lead/payment", LEAD, json!({}), "leadType"),
        ("lead/registration", PAYMENT, json!({}), "leadType"),
        ("lead", PAYMENT, json!({"leadValue": null}), "leadValue"),
        ("lead", PAYMENT, json!({"leadValue": -1}), "leadValue"),
        ("lead", PAYMENT, json!({"leadValue": "much"}), "leadValue"),
        ("lead", PAYMENT, json!({"leadValue": true}), "leadValue"),
        ("lead", PAYMENT, json!({"currency": "DOLLARS"}), "currency"),
        (
            "lead",
            PAYMENT,
            json!({"transactionId": "${tx}"}),
            "transactionId",
        ),
        ("lead", PAYMENT, json!({"sessionId": null}), "sessionId"),
    ] {
        let reply = service.refused(post(path, with(example, &over)), 400).await;
        assert!(reply.text.contains(field), "{path} {over}: {reply:?}");
        assert_eq!(reply.json()["error"], "Bad Request");
    }
    for (over, warned) in [
        (json!({"clickedUrl": "x".repeat(2_001)}), true),
        (json!({"userAgent": "a\u{0}b"}), false),
    ] {
        let click = post("click", with(CLICK, &over));
        let (reply, _) = service.exchange(click, Answer::Accepted).await;
        assert_eq!(
            (reply.status.as_u16(), reply.text.contains("warnings")),
            (202, warned),
            "{reply:?}"
        );
    }
    for body in ["", "[]", "{", "\u{ff}"] {
        service.refused(post("click", body), 400).await;
    }
    let reply = service
        .refused(request("GET", "/api/v1/tracking/click", &[], ""), 405)
        .await;
    assert_eq!(reply.json()["error"], "Method Not Allowed");
    let reply = service.refused(post("nothing", CLICK), 404).await;
    assert_eq!(reply.json()["error"], "Not Found");
}

#[tokio::test]
async fn a_transaction_id_makes_a_payment_safe_to_repeat() {
    let mut service = Service::new();
    let body = |over: Value| {
        let mut all = json!({"transactionId": "tx-1"});
        all.as_object_mut()
            .unwrap()
            .extend(over.as_object().unwrap().clone());
        with(PAYMENT, &all)
    };
    let first = service.accepted(keyed("lead", KEY, body(json!({})))).await.0;
    assert_eq!(first.order(), Some("tx-1"));
    let first = first.idempotency.unwrap();
    assert_eq!((first.key.as_str(), first.hash.len()), ("affy:signed:tx-1", 64));

    for (path, same) in [
        ("lead", body(json!({"clientId": null}))),
        ("lead/payment", body(json!({"leadType": null, "leadValue": "99"}))),
    ] {
        let event = service.accepted(keyed(path, KEY, same)).await.0;
        assert_eq!(event.idempotency, Some(first.clone()), "{path}");
    }
    for other in [
        json!({"leadValue": 98}),
        json!({"sessionId": "another"}),
        json!({"currency": "EUR"}),
    ] {
        let event = service.accepted(keyed("lead", KEY, body(other))).await.0;
        let found = event.idempotency.unwrap();
        assert!(found.key == first.key && found.hash != first.hash);
    }
    let open = service
        .accepted(post("lead", body(json!({}))))
        .await
        .0
        .idempotency
        .unwrap();
    assert_eq!(
        (open.key.as_str(), open.hash == first.hash),
        ("affy:open:tx-1", true)
    );

    // A header wins where it counts: with a key.
    let bearer = format!("Bearer {KEY}");
    let headers = [("Idempotency-Key", "k-1"), ("Authorization", bearer.as_str())];
    for (headers, want) in [(&headers[..], "k-1"), (&headers[..1], "affy:open:tx-1")] {
        let request = request("POST", "/api/v1/tracking/lead", headers, body(json!({})));
        let event = service.accepted(request).await.0;
        assert_eq!(event.idempotency.unwrap().key, want);
    }
    let without = request("POST", "/api/v1/tracking/lead", &headers[..1], PAYMENT);
    assert_eq!(service.accepted(without).await.0.idempotency, None);
}

#[tokio::test]
async fn each_refusal_has_its_answer() {
    let mut service = Service::new();
    let transaction = with(PAYMENT, &json!({"transactionId": "tx-1"}));
    let first = First::new(event_id(7), Some(applied()));
    for (path, body, answer, status, text) in [
        (
            "click",
            CLICK,
            refusal(Reason::NotAttributed, None),
            400,
            "affiliateReference",
        ),
        (
            "click",
            CLICK,
            refusal(Reason::AffiliateNotApproved, None),
            400,
            "affiliateReference",
        ),
        ("click", CLICK, refusal(Reason::ClickTaken, None), 400, "clickId"),
        (
            "lead",
            PAYMENT,
            refusal(Reason::AmountOutOfRange, None),
            400,
            "the detail",
        ),
        (
            "lead",
            &transaction,
            refusal(Reason::IdempotencyConflict, None),
            422,
            "transactionId",
        ),
        (
            "lead",
            &transaction,
            refusal(Reason::DuplicateOrder, Some(first.clone())),
            409,
            "transactionId",
        ),
    ] {
        let (reply, submitted) = service.exchange(post(path, body.to_owned()), answer).await;
        assert!(submitted.is_some());
        assert_eq!(reply.status.as_u16(), status, "{reply:?}");
        assert!(
            reply.json()["message"].as_str().unwrap().contains(text),
            "{reply:?}"
        );
    }
    let answer = refusal(Reason::DuplicateOrder, Some(first.clone()));
    let (reply, _) = service.exchange(post("lead", transaction.clone()), answer).await;
    let body = reply.json();
    assert_eq!(body["event_id"], first.event_id.to_string());
    assert_eq!(
        (&body["leadId"], &body["leadValue"]),
        (&json!(conversion().id.0), &json!(120))
    );

    // The same again: the first answer, or its receipt while there is none.
    let answer = refusal(Reason::IdempotentRepeat, Some(first));
    let (reply, _) = service.exchange(post("lead", transaction.clone()), answer).await;
    assert_eq!((reply.status.as_u16(), &reply.json()["leadId"]), (200, &json!(3)));
    let unknown_yet = First::new(event_id(7), None);
    let answer = refusal(Reason::IdempotentRepeat, Some(unknown_yet));
    let (reply, _) = service.exchange(post("lead", transaction), answer).await;
    assert_eq!(
        (reply.status.as_u16(), &reply.json()["status"]),
        (202, &json!("accepted"))
    );
}

/// A merchant calls for every customer and forgets the answer.
#[tokio::test]
async fn a_customer_who_came_by_nobody_is_no_error() {
    let mut service = Service::new();
    let none = "No affiliate referral found";
    for reason in [
        Reason::UnknownClick,
        Reason::NotAttributed,
        Reason::AffiliateNotApproved,
        Reason::WindowExpired,
    ] {
        for (path, body, want) in [
            (
                "registration",
                REGISTRATION,
                json!({"success": true, "leadId": null, "clickId": "click_unique_id", "message": none}),
            ),
            (
                "lead",
                LEAD,
                json!({"success": true, "leadId": null, "message": none}),
            ),
            (
                "lead",
                PAYMENT,
                json!({"success": true, "leadId": null, "leadValue": 99, "conversionSource": "TRACKING_API",
                    "message": none}),
            ),
        ] {
            let (reply, _) = service.exchange(post(path, body), refusal(reason, None)).await;
            assert_eq!(
                (reply.status.as_u16(), reply.json()),
                (200, want),
                "{reason:?} {path}"
            );
        }
    }
}

#[tokio::test]
async fn browsers_may_click_from_any_page() {
    let mut service = Service::new();
    let origin = ("Origin", "https://yourwebsite.com");
    let preflight = [
        origin,
        ("Access-Control-Request-Method", "POST"),
        ("Access-Control-Request-Headers", "content-type"),
    ];
    let path = "/api/v1/tracking/click";
    for path in [path, "/api/v1/tracking/lead/registration/"] {
        let reply = service
            .refused(request("OPTIONS", path, &preflight, ""), 204)
            .await;
        assert_eq!(reply.header("access-control-allow-origin"), "*");
        assert!(reply.header("access-control-allow-methods").contains("POST"));
    }
    let (reply, _) = service
        .exchange(request("POST", path, &[origin], CLICK), clicked())
        .await;
    assert_eq!(reply.header("access-control-allow-origin"), "*");
    let wrong = service.refused(request("POST", path, &[origin], "{}"), 400).await;
    assert_eq!(
        wrong.header("access-control-allow-origin"),
        "*",
        "errors can be read, too"
    );
}

//! Affitor's four calls: what they take, and every way they answer.

mod answers;
mod callers;
mod chain;
mod errors;

use std::time::Duration;

use axum::{body::Body, http::Request};
use common::domain::{
    Body as EventBody, Dialect, Identity, Lead, OrgId, ProgramId, RecordClick, Refund, TestEvent, TestKind,
};
use serde_json::{Value, json};

use super::{Reply, Service, create_of, request};
use common::http::request::Wait;

const URL: &str = "https://shop.example/pricing?aff=abc123";
/// Bound to program 7 of organisation 2.
const BEARER: (&str, &str) = ("Authorization", "Bearer other-key");
const EMAIL_HASH: &str = "sha256:b5fc85e55755f9e0d030a10ab4429b6b2944855f9a0d60077fe832becbc41d72";

/// A call with a key, as servers make it.
fn keyed(path: &str, body: &Value) -> Request<Body> {
    request("POST", path, &[BEARER], body.to_string())
}

/// A call without one, as browsers make it.
fn keyless(path: &str, body: &Value) -> Request<Body> {
    request("POST", path, &[], body.to_string())
}

/// Every error is one flat text.
fn error(reply: &Reply) -> String {
    let json = reply.json();
    assert_eq!(json.as_object().unwrap().len(), 1, "{json}");
    json["error"].as_str().unwrap().to_owned()
}

fn sale() -> Value {
    json!({"customer_key": "user_123", "transaction_id": "txn_1", "amount_cents": 9999})
}

fn with(mut body: Value, name: &str, value: Value) -> Value {
    body[name] = value;
    body
}

fn click_of(body: EventBody) -> RecordClick {
    match body {
        EventBody::Click(click) => *click,
        other => panic!("not a click: {other:?}"),
    }
}

fn lead_of(body: EventBody) -> Lead {
    match body {
        EventBody::Lead(lead) => *lead,
        other => panic!("not a lead: {other:?}"),
    }
}

fn refund_of(body: EventBody) -> Refund {
    match body {
        EventBody::Refund(refund) => refund,
        other => panic!("not a refund: {other:?}"),
    }
}

fn test_of(body: EventBody) -> TestEvent {
    match body {
        EventBody::Test(test) => test,
        other => panic!("not a test: {other:?}"),
    }
}

#[tokio::test]
async fn a_click_is_submitted_without_a_key() {
    let mut service = Service::new();
    let body = json!({
        "affiliate_url": "HTTPS://Shop.Example:8443/pricing?utm=1&aff=abc123&tm_sub=north%20a&tm_bad=%7Bsub%7D&tm_=x&tm_$serde_json::private::Number=x#top",
        "page_url": "https://shop.example/pricing", "page_title": "Prices {2026}",
        "referrer_url": "https://blog.example/", "session_id": "s-1", "screen_resolution": "1920x1080",
        "language": null, "existing_click_id": "cust_5_1700000000000", "additional_data": {"a": [1]},
        "unheard_of": {"x": null}
    });
    let twice = ("Idempotency-Key", "mine");
    let headers = [("User-Agent", "Mozilla/5.0"), twice, twice];
    let call = request("POST", "/api/v1/track/click", &headers, body.to_string());
    let (event, wait) = service.accepted(call).await;
    assert_eq!(wait, Wait::Outcome(Duration::from_secs(3)));
    assert_eq!((event.org, event.dialect), (None, Dialect::Affitor));
    assert_eq!((event.authenticated, event.program_scope), (false, None));
    assert_eq!(event.idempotency, None, "a stranger uses up nobody's key");
    assert!(service.ids.verify(event.org, event.id));
    let click = click_of(event.body);
    assert_eq!(click.referral_code, "abc123");
    assert_eq!(click.host.as_deref(), Some("shop.example"));
    assert_eq!(click.existing.as_deref(), Some("cust_5_1700000000000"));
    assert_eq!(
        click.landing_page.as_deref(),
        Some("https://shop.example/pricing")
    );
    assert_eq!(click.referrer.as_deref(), Some("https://blog.example/"));
    assert_eq!(
        Value::from(click.meta_data),
        json!({"sub": "north a"}),
        "what cannot be kept costs no click"
    );
    assert_eq!(
        Value::from(click.details),
        json!({
            "page_title": "Prices {2026}", "session_id": "s-1", "screen_resolution": "1920x1080",
            "user_agent": "Mozilla/5.0", "additional_data": {"a": [1]}
        })
    );
    assert_eq!(
        (click.name, click.session),
        (None, None),
        "a stranger takes no session"
    );
}

#[tokio::test]
async fn a_click_needs_no_more_than_its_url() {
    let mut service = Service::new();
    let nulls = json!({"affiliate_url": URL, "page_url": null, "referrer_url": "", "language": null});
    for body in [json!({"affiliate_url": URL}), nulls] {
        let (event, _) = service.accepted(keyless("/api/v1/track/click/", &body)).await;
        let click = click_of(event.body);
        assert_eq!((click.landing_page.as_deref(), click.referrer), (Some(URL), None));
        assert!(click.details.is_empty() && click.meta_data.is_empty());
    }
    // A key is not asked for, so a bad one does not matter.
    let headers = [("Authorization", "Bearer wrong")];
    let body = json!({"affiliate_url": URL}).to_string();
    let (event, _) = service
        .accepted(request("POST", "/api/v1/track/click", &headers, body))
        .await;
    assert_eq!(event.org, None);
}

#[tokio::test]
async fn a_lead_comes_from_a_browser_or_a_server() {
    let mut service = Service::new();
    let body = json!({
        "click_id": "cust_1_2", "click_ids": ["cust_1_2", null, "", "cust_3_4"], "customer_key": 17,
        "email": " Ada@Example.com", "page_url": "https://shop.example/", "program_id": "p",
        "has_attribution": true, "debug_mode": false
    });
    let (event, _) = service.accepted(keyless("/api/v1/track/lead", &body)).await;
    assert_eq!((event.org, event.authenticated), (None, false));
    assert_eq!(event.program_scope, None);
    let from_browser = lead_of(event.body);
    let (event, _) = service.accepted(keyed("/api/v1/track/lead/", &body)).await;
    assert_eq!((event.org, event.authenticated), (Some(OrgId(2)), true));
    assert_eq!(event.program_scope, Some(ProgramId(7)));
    let lead = lead_of(event.body);
    assert_eq!(lead, from_browser);
    assert_eq!(lead.click_ids, ["cust_1_2", "cust_3_4"]);
    assert_eq!(lead.customer_id.as_deref(), Some("17"));
    assert_eq!(lead.email.as_deref(), Some(EMAIL_HASH), "never as it is");
    assert_eq!(
        Value::from(lead.details),
        json!({"page_url": "https://shop.example/"})
    );
}

#[tokio::test]
async fn a_lead_names_a_click_or_a_customer_and_nulls_are_fine() {
    let mut service = Service::new();
    for (body, clicks, customer) in [
        (
            json!({"click_id": "k", "email": null, "customer_key": null}),
            vec!["k"],
            None,
        ),
        (json!({"click_ids": ["k"], "click_id": ""}), vec!["k"], None),
        (json!({"click_ids": "k"}), vec!["k"], None),
        (json!({"customer_key": "c", "click_ids": null}), vec![], Some("c")),
    ] {
        let (event, _) = service.accepted(keyless("/api/v1/track/lead", &body)).await;
        let lead = lead_of(event.body);
        assert_eq!(
            (lead.click_ids, lead.customer_id.as_deref()),
            (clicks.iter().map(ToString::to_string).collect(), customer)
        );
        assert_eq!(lead.email, None);
    }
    // Other schemes are no Bearer: a page behind a password sends one by itself.
    let headers = [("Authorization", "Basic YTpi")];
    let body = json!({"click_id": "k"}).to_string();
    let (event, _) = service
        .accepted(request("POST", "/api/v1/track/lead", &headers, body))
        .await;
    assert!(!event.authenticated);
}

#[tokio::test]
async fn a_sale_is_submitted_as_it_was_sent() {
    let mut service = Service::new();
    let body = json!({
        "customer_key": "user_123", "click_id": "cust_1_2", "transaction_id": "txn_1", "amount_cents": 9999,
        "currency": "eur", "sale_type": "subscription", "is_recurring": true, "subscription_id": "sub_1",
        "subscription_interval": "monthly", "product_id": 4, "line_items": [{"sku": "a", "n": 1.10}],
        "additional_data": {"plan": "pro"}, "unheard_of": []
    });
    let (event, _) = service.accepted(keyed("/api/v1/track/sale", &body)).await;
    assert_eq!(
        (event.org, event.dialect, event.authenticated),
        (Some(OrgId(2)), Dialect::Affitor, true)
    );
    assert_eq!(event.program_scope, Some(ProgramId(7)));
    let create = create_of(event);
    assert_eq!(create.external_id.as_deref(), Some("txn_1"));
    assert_eq!(
        (
            create.amount.to_string().as_str(),
            create.currency.unwrap().code()
        ),
        ("99.99", "EUR")
    );
    assert_eq!(create.attribution.click_id.as_deref(), Some("cust_1_2"));
    let customer = create.customer.unwrap();
    assert_eq!(customer.identity, Identity::Id("user_123".to_owned()));
    assert_eq!(customer.external_id.as_deref(), Some("user_123"));
    assert_eq!(
        Value::from(create.details),
        json!({
            "sale_type": "subscription", "is_recurring": true, "subscription_id": "sub_1",
            "subscription_interval": "monthly", "product_id": "4", "line_items": [{"sku": "a", "n": 1.10}],
            "additional_data": {"plan": "pro"}
        })
    );
}

#[tokio::test]
async fn cents_are_the_currencys_own() {
    let mut service = Service::new();
    for (cents, currency, want, code) in [
        (json!(9999), json!(null), "99.99", "USD"),
        (json!("10000"), json!("usd"), "100", "USD"),
        (json!(500), json!("JPY"), "500", "JPY"),
        (json!(1500), json!("kwd"), "1.5", "KWD"),
        (json!(1e3), json!("VND"), "1000", "VND"),
        (json!(1_000_000_000_000_i64), json!("USD"), "10000000000", "USD"),
    ] {
        let body = with(with(sale(), "amount_cents", cents), "currency", currency);
        let (event, _) = service.accepted(keyed("/api/v1/track/sale", &body)).await;
        let create = create_of(event);
        assert_eq!(
            (create.amount, create.currency.unwrap().code()),
            (want.parse().unwrap(), code)
        );
    }
    let by_click = json!({"click_id": "cust_1_2", "transaction_id": "t", "amount_cents": 1});
    let (event, _) = service.accepted(keyed("/api/v1/track/sale/", &by_click)).await;
    assert_eq!(create_of(event).customer, None);
}

#[tokio::test]
async fn a_refund_is_of_a_part_or_of_all() {
    let mut service = Service::new();
    for (body, units, id) in [
        (json!({"transaction_id": "t"}), None, None),
        (
            json!({"transaction_id": "t", "refund_amount_cents": 0, "refund_reason": "x"}),
            None,
            None,
        ),
        (
            json!({"transaction_id": "t", "refund_amount_cents": null}),
            None,
            None,
        ),
        (
            json!({"transaction_id": "t", "refund_amount_cents": "0"}),
            None,
            None,
        ),
        (
            json!({"transaction_id": "t", "refund_amount_cents": 2500}),
            Some(2500),
            None,
        ),
        (
            json!({"transaction_id": "t", "refund_amount_cents": "2500", "refund_id": "r1"}),
            Some(2500),
            Some("r1"),
        ),
    ] {
        let (event, _) = service.accepted(keyed("/api/v1/track/refund", &body)).await;
        assert!(event.authenticated);
        let refund = refund_of(event.body);
        assert_eq!(
            (
                refund.external_id.as_str(),
                refund.amount,
                refund.minor_units,
                refund.refund_id.as_deref()
            ),
            ("t", None, units, id),
            "{body}"
        );
    }
}

#[tokio::test]
async fn the_older_paths_take_the_older_names() {
    let mut service = Service::new();
    for slash in ["", "/"] {
        let path = |name: &str| format!("/api/tracking/{name}{slash}");
        let old = json!({"affiliate_url": "https://shop.example/?ref=abc123"});
        let (event, _) = service.accepted(keyless(&path("click"), &old)).await;
        assert_eq!(click_of(event.body).referral_code, "abc123");
        let both = json!({"affiliate_url": "https://shop.example/?ref=old&aff=new"});
        let (event, _) = service.accepted(keyless(&path("click"), &both)).await;
        assert_eq!(click_of(event.body).referral_code, "new");
        let old = json!({"customer_code": "cust_1_2", "user_id": "u", "email": "a@example.com"});
        let (event, _) = service.accepted(keyed(&path("lead"), &old)).await;
        let lead = lead_of(event.body);
        assert_eq!(
            (lead.click_ids, lead.customer_id.as_deref()),
            (vec!["cust_1_2".to_owned()], Some("u"))
        );
        let (event, _) = service.accepted(keyed(&path("sale"), &sale())).await;
        assert_eq!(create_of(event).external_id.as_deref(), Some("txn_1"));
        let (event, _) = service
            .accepted(keyed(&path("refund"), &json!({"transaction_id": "t"})))
            .await;
        assert_eq!(refund_of(event.body).external_id, "t");
    }
}

#[tokio::test]
async fn a_test_becomes_an_event_and_nothing_else() {
    let mut service = Service::new();
    let more = json!({"test_mode": true, "program_id": 12});
    let click = with(json!({"affiliate_url": URL}), "additional_data", more.clone());
    let (event, _) = service.accepted(keyless("/api/v1/track/click", &click)).await;
    assert_eq!((event.org, event.authenticated), (None, false));
    let test = test_of(event.body);
    assert_eq!(
        (test.what, test.program.as_deref()),
        (TestKind::Click, Some("12"))
    );
    assert_eq!(Value::from(test.details), click, "as it was sent");
    let lead =
        json!({"customer_key": "u", "email": "ada@example.com", "additional_data": {"test_mode": "true"}});
    let (event, _) = service.accepted(keyless("/api/v1/track/lead", &lead)).await;
    let test = test_of(event.body);
    assert_eq!((test.what, test.program), (TestKind::Lead, None));
    assert_eq!(test.details["email"], EMAIL_HASH, "never as it is");
    let anonymous = json!({"customer_key": "u", "amount_cents": 1, "additional_data": more});
    let (event, _) = service.accepted(keyed("/api/v1/track/sale", &anonymous)).await;
    assert_eq!((event.org, event.authenticated), (Some(OrgId(2)), true));
    assert_eq!(test_of(event.body).what, TestKind::Sale);
    let refund = json!({"transaction_id": "t", "additional_data": {"test_mode": true}});
    let (event, _) = service.accepted(keyed("/api/v1/track/refund", &refund)).await;
    let test = test_of(event.body);
    assert_eq!(
        (test.what, test.program.as_deref()),
        (TestKind::Refund, Some("7")),
        "the key's program"
    );
    // The key is asked for all the same, and a test that is none is the real thing.
    service
        .refused(keyless("/api/v1/track/sale", &anonymous), 401)
        .await;
    let real = with(sale(), "additional_data", json!({"test_mode": false}));
    let (event, _) = service.accepted(keyed("/api/v1/track/sale", &real)).await;
    assert_eq!(create_of(event).external_id.as_deref(), Some("txn_1"));
}

#[tokio::test]
async fn browsers_may_click_and_lead_from_any_page() {
    let mut service = Service::new();
    let page = ("Origin", "https://shop.example");
    let preflight = [
        page,
        ("Access-Control-Request-Method", "POST"),
        ("Access-Control-Request-Headers", "content-type"),
    ];
    for base in ["/api/v1/track", "/api/tracking"] {
        for name in ["click", "lead", "click/", "lead/"] {
            let path = format!("{base}/{name}");
            let reply = service
                .refused(request("OPTIONS", &path, &preflight, ""), 204)
                .await;
            assert_eq!(reply.header("access-control-allow-origin"), "*", "{path}");
            assert!(reply.header("access-control-allow-methods").contains("POST"));
            let headers = reply.header("access-control-allow-headers");
            assert!(headers.contains("Content-Type") && headers.contains("Authorization"));
            // Errors too, or the page could not read them.
            let reply = service.refused(request("POST", &path, &[page], "{}"), 400).await;
            assert_eq!(reply.header("access-control-allow-origin"), "*", "{path}");
        }
        for name in ["sale", "refund"] {
            let reply = service
                .refused(request("OPTIONS", &format!("{base}/{name}"), &preflight, ""), 405)
                .await;
            assert_eq!(
                reply.header("access-control-allow-origin"),
                "",
                "servers hold the key"
            );
        }
    }
}

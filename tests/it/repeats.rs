//! Every call that writes, three times under one `Idempotency-Key`: once, once more, and with other fields. The second has the first
//! answer, without its secrets, and no effect; the third is refused.

use std::collections::BTreeSet;

use commissary_tests::{Answer, Queue, World};
use reqwest::Method;
use serde_json::{Value, json};

/// A call: method, path and body. `{…}` in a path stands for a thing that is made for the call.
type Call = (&'static str, &'static str, Value);

fn calls() -> Vec<Call> {
    [
        calls_of_sales(),
        calls_of_affiliates(),
        other_calls(),
        calls_of_catalog(),
    ]
    .concat()
}

/// Conversions, commissions, customers, clicks.
fn calls_of_sales() -> Vec<Call> {
    let meta = || json!({"foo": "bar"});
    let value = || json!({"value": "bar"});
    let none = || Value::Null;
    vec![
        (
            "POST",
            "/1.6/conversions/",
            json!({"external_id": "repeated", "coupon": "PETER10", "amount": 10}),
        ),
        ("PATCH", "/1.6/conversions/{conversion}/", json!({"amount": 5})),
        ("DELETE", "/1.6/conversions/{conversion}/", none()),
        (
            "POST",
            "/1.6/conversions/{conversion}/commissions/",
            json!({"conversion_sub_amount": 5}),
        ),
        ("PUT", "/1.6/conversions/{conversion}/meta-data/", meta()),
        ("PUT", "/1.6/conversions/{conversion}/meta-data/foo/", value()),
        ("DELETE", "/1.6/conversions/{conversion}/meta-data/foo/", none()),
        (
            "PATCH",
            "/1.6/commissions/{commission}/",
            json!({"comment": "well done"}),
        ),
        ("PUT", "/1.6/commissions/{commission}/approved/", none()),
        ("DELETE", "/1.6/commissions/{commission}/approved/", none()),
        (
            "POST",
            "/1.6/customers/",
            json!({"customer_id": "repeated", "referral_code": "nwjinmy"}),
        ),
        (
            "PATCH",
            "/1.6/customers/{customer}/",
            json!({"meta_data": {"buz": "baz"}}),
        ),
        ("DELETE", "/1.6/customers/{customer}/", none()),
        ("PUT", "/1.6/customers/{customer}/status/", none()),
        ("DELETE", "/1.6/customers/{customer}/status/", none()),
        ("PUT", "/1.6/customers/{customer}/meta-data/", meta()),
        ("PUT", "/1.6/customers/{customer}/meta-data/foo/", value()),
        ("DELETE", "/1.6/customers/{customer}/meta-data/foo/", none()),
        ("POST", "/1.6/clicks/", json!({"referral_code": "nwjinmy"})),
    ]
}

/// Affiliates and what they are paid.
fn calls_of_affiliates() -> Vec<Call> {
    let meta = || json!({"foo": "bar"});
    let value = || json!({"value": "bar"});
    let none = || Value::Null;
    let person = || json!({"firstname": "Ramone", "lastname": "Referra"});
    vec![
        (
            "POST",
            "/1.6/payments/",
            json!({"affiliate_id": "peterpeterson", "amount": 1, "currency": "USD"}),
        ),
        ("DELETE", "/1.6/payments/{payment}/", none()),
        ("POST", "/1.6/affiliates/", person()),
        ("DELETE", "/1.6/affiliates/{affiliate}/", none()),
        (
            "PUT",
            "/1.6/affiliates/{affiliate}/group/",
            json!({"group_id": "ag_eXampl3"}),
        ),
        ("DELETE", "/1.6/affiliates/{affiliate}/group/", none()),
        (
            "POST",
            "/1.6/affiliates/{affiliate}/parent/",
            json!({"affiliate_id": "sandrasanderson"}),
        ),
        (
            "PUT",
            "/1.6/affiliates/{affiliate}/parent/",
            json!({"affiliate_id": "sandrasanderson"}),
        ),
        ("DELETE", "/1.6/affiliates/janejameson/parent/", none()),
        (
            "POST",
            "/1.6/affiliates/{affiliate}/notes/",
            json!({"message": "a note"}),
        ),
        (
            "PUT",
            "/1.6/affiliates/janejameson/notes/{note}/",
            json!({"message": "another"}),
        ),
        ("DELETE", "/1.6/affiliates/janejameson/notes/{note}/", none()),
        ("PUT", "/1.6/affiliates/{affiliate}/meta-data/", meta()),
        ("PUT", "/1.6/affiliates/{affiliate}/meta-data/foo/", value()),
        ("DELETE", "/1.6/affiliates/janejameson/meta-data/foo/", none()),
        (
            "PUT",
            "/1.6/affiliates/{affiliate}/payout-methods/paypal/",
            json!({"paypal_address": "a@b.example"}),
        ),
    ]
}

/// Programs, groups, prospects, and our own calls.
fn other_calls() -> Vec<Call> {
    let decide = || json!({"affiliate_id": "peterpeterson"});
    let none = || Value::Null;
    vec![
        (
            "POST",
            "/1.6/programs/johns-affiliate-program/affiliates/",
            json!({"affiliate": {"id": "patpartner"}}),
        ),
        (
            "PATCH",
            "/1.6/programs/johns-affiliate-program/affiliates/goldgary/",
            json!({"coupon": "GOLD30"}),
        ),
        (
            "PUT",
            "/1.6/programs/johns-affiliate-program/affiliates/pendingpenny/approved/",
            none(),
        ),
        (
            "DELETE",
            "/1.6/programs/johns-affiliate-program/affiliates/pendingpenny/approved/",
            none(),
        ),
        ("POST", "/1.6/affiliate-groups/", json!({"title": "Silver"})),
        (
            "PATCH",
            "/1.6/affiliate-groups/ag_eXampl3/",
            json!({"title": "More gold"}),
        ),
        (
            "POST",
            "/1.6/affiliate-prospects/",
            prospect("repeated@prospect.example"),
        ),
        ("DELETE", "/1.6/affiliate-prospects/{prospect}/", none()),
        ("PUT", "/v1/commissions/approve", decide()),
        ("PUT", "/v1/commissions/disapprove", decide()),
        ("POST", "/v1/keys", json!({"name": "reports"})),
        ("DELETE", "/v1/keys/{key}", none()),
        (
            "POST",
            "/v1/events",
            json!({"external_id": "line", "coupon": "PETER10", "amount": 1}),
        ),
    ]
}

/// Each is of a thing that the demo has, or that the call before it has made.
fn calls_of_catalog() -> Vec<Call> {
    let none = || Value::Null;
    let titled = || json!({"title": "Another title"});
    vec![
        ("PATCH", "/v1/org", titled()),
        (
            "POST",
            "/v1/programs",
            json!({"id": "tea", "title": "Tea", "currency": "EUR", "types": {"standard": {"percentage": 5}}}),
        ),
        ("PATCH", "/v1/programs/tea", titled()),
        (
            "POST",
            "/v1/programs/tea/commission-types",
            json!({"id": "gold", "fixed": 3}),
        ),
        (
            "PATCH",
            "/v1/programs/tea/commission-types/gold",
            json!({"fixed": 4}),
        ),
        ("DELETE", "/v1/programs/tea/commission-types/gold", none()),
        (
            "POST",
            "/v1/programs/tea/levels",
            json!({"id": "level-2", "percentage": 1}),
        ),
        ("PATCH", "/v1/programs/tea/levels/level-2", titled()),
        ("DELETE", "/v1/programs/tea/levels/level-2", none()),
        (
            "POST",
            "/v1/programs/tea/bonuses",
            json!({"id": "spring", "title": "Spring", "target_type": "conversion_count", "target": 10, "interval": "calmo",
                "fixed": 50}),
        ),
        ("PATCH", "/v1/programs/tea/bonuses/spring", json!({"target": 5})),
        ("DELETE", "/v1/programs/tea/bonuses/spring", none()),
        ("POST", "/v1/programs/tea/hosts", json!({"host": "tea.example"})),
        ("DELETE", "/v1/programs/tea/hosts/tea.example", none()),
        ("POST", "/v1/programs/tea/assets", json!({"asset": "9-tttttt"})),
        ("DELETE", "/v1/programs/tea/assets/9-tttttt", none()),
        ("DELETE", "/v1/programs/tea", none()),
        (
            "PATCH",
            "/v1/programs/partner-program/affiliates/patpartner",
            json!({"fixed": 3.5}),
        ),
        (
            "POST",
            "/v1/custom-fields",
            json!({"id": "size", "title": "Size"}),
        ),
        ("PATCH", "/v1/custom-fields/size", titled()),
        ("DELETE", "/v1/custom-fields/size", none()),
        ("POST", "/v1/pixel-keys", json!({"id": "px_repeated"})),
        (
            "PATCH",
            "/v1/pixel-keys/px_repeated",
            json!({"address_ranges": ["192.0.2.0/24"]}),
        ),
        ("POST", "/v1/pixel-keys/px_repeated/rotate", none()),
        ("DELETE", "/v1/pixel-keys/px_repeated", none()),
        (
            "POST",
            "/v1/commissions/recalculate",
            json!({"affiliate_id": "peterpeterson", "preview": false}),
        ),
    ]
}

fn prospect(email: &str) -> Value {
    json!({
        "firstname": "Peter", "lastname": "Prospect", "email": email, "program_id": "johns-affiliate-program",
        "address": {"address": "x", "postal_code": "x", "city": "x", "country": {"code": "NL"}}
    })
}

/// Makes what a path names, and gives the path with its id.
async fn filled(world: &World, path: &str, number: usize) -> String {
    let Some((before, rest)) = path.split_once('{') else {
        return path.to_owned();
    };
    let (name, after) = rest.split_once('}').unwrap();
    let named = format!("for-{number}");
    let (creator, body, pointer) = match name {
        "conversion" | "commission" => (
            "/1.6/conversions/",
            json!({"external_id": named, "coupon": "PETER10", "amount": 10, "meta_data": {"foo": "bar"}}),
            if name == "conversion" {
                "/id"
            } else {
                "/commissions/0/id"
            },
        ),
        "customer" => (
            "/1.6/customers/",
            json!({"customer_id": named, "referral_code": "nwjinmy", "meta_data": {"foo": "bar"}}),
            "/id",
        ),
        "payment" => (
            "/1.6/payments/",
            json!({"affiliate_id": "peterpeterson", "amount": number, "currency": "USD"}),
            "/0/id",
        ),
        "affiliate" => (
            "/1.6/affiliates/",
            json!({"firstname": "Ada", "lastname": named}),
            "/id",
        ),
        "note" => (
            "/1.6/affiliates/janejameson/notes/",
            json!({"message": "a note"}),
            "/id",
        ),
        "prospect" => (
            "/1.6/affiliate-prospects/",
            prospect(&format!("{named}@prospect.example")),
            "/id",
        ),
        "key" => ("/v1/keys", json!({"name": named}), "/created/id"),
        other => panic!("{other}"),
    };
    let made = send(world, "POST", creator, &body, None).await.expect(200);
    let id = made.body.pointer(pointer).unwrap_or_else(|| panic!("{made:?}"));
    let id = id.as_str().map_or_else(|| id.to_string(), str::to_owned);
    format!("{before}{id}{after}")
}

/// To the plane that serves it.
async fn send(world: &World, method: &str, path: &str, body: &Value, key: Option<&str>) -> Answer {
    let is_event = method == "POST"
        && ([
            "/1.6/conversions/",
            "/1.6/customers/",
            "/1.6/clicks/",
            "/v1/events",
        ]
        .contains(&path)
            || path.ends_with("/commissions/"));
    let plane = if is_event {
        &world.shop.ingest
    } else {
        &world.shop.api
    };
    let mut headers = vec![("X-Api-Key", "demo-key"), ("Prefer", "wait=10")];
    headers.extend(key.map(|key| ("Idempotency-Key", key)));
    let method: Method = method.parse().unwrap();
    let body = Some(body).filter(|body| !body.is_null());
    let answer = world
        .shop
        .call(method, &format!("{plane}{path}"), &headers, body)
        .await;
    answer.unwrap()
}

/// All that a call can change, and what is written of it.
async fn effects(world: &World) -> String {
    world
        .sql(
            "SELECT (SELECT count(*) FROM events WHERE status = 'applied'), (SELECT count(*) FROM audit_entries),
                    (SELECT count(*) FROM transfers), (SELECT count(*) FROM conversions), (SELECT count(*) FROM commissions),
                    (SELECT count(*) FROM customers), (SELECT count(*) FROM clicks), (SELECT count(*) FROM payments),
                    (SELECT count(*) FROM affiliates), (SELECT count(*) FROM affiliations), (SELECT count(*) FROM api_keys),
                    (SELECT count(*) FROM affiliate_notes), (SELECT count(*) FROM prospects)",
        )
        .await
}

/// What is shown once and never again.
fn without_secrets(mut body: Value) -> Value {
    for name in ["password", "key", "secret"] {
        if let Some(secret) = body.get_mut(name) {
            *secret = Value::Null;
        }
    }
    body
}

#[tokio::test(flavor = "multi_thread")]
async fn every_write_has_one_effect_and_the_same_answer_under_one_key() {
    let world = World::start(Queue::Spool).await;
    for (number, (method, path, body)) in (1..).zip(calls()) {
        let name = format!("{method} {path}");
        let path = filled(&world, path, number).await;
        let key = format!("once-{number}");
        let first = send(&world, method, &path, &body, Some(&key)).await;
        assert!([200, 204].contains(&first.status), "{name}: {first:?}");
        let before = effects(&world).await;

        let again = send(&world, method, &path, &body, Some(&key)).await;
        assert_eq!(again.status, first.status, "{name}");
        assert_eq!(again.body, without_secrets(first.body.clone()), "{name}");
        assert_eq!(effects(&world).await, before, "{name}: a second effect");
        let secrets = ["password", "key", "secret"].map(|name| first.body.get(name));
        let is_secret = secrets.iter().any(Option::is_some);
        assert_eq!(
            again.header("cache-control"),
            is_secret.then_some("no-store"),
            "{name}"
        );
        assert_eq!(
            first.header("cache-control"),
            is_secret.then_some("no-store"),
            "{name}"
        );

        let mut other = if body.is_null() { json!({}) } else { body };
        other["amount"] = json!(77);
        let refused = send(&world, method, &path, &other, Some(&key)).await;
        if path == "/v1/events" {
            // Each line has an answer of its own.
            assert!(
                refused.body.to_string().contains("idempotency_conflict"),
                "{refused:?}"
            );
        } else {
            // Some calls look first whether they know the field.
            let is_unknown = path.starts_with("/v1/") && refused.status == 400;
            assert!(refused.status == 422 || is_unknown, "{name}: {refused:?}");
        }
        assert_eq!(
            effects(&world).await,
            before,
            "{name}: an effect of another request"
        );
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_write_is_left_out() {
    let world = World::start(Queue::Spool).await;
    let document = world.shop.get_as("/openapi.json", None).await.expect(200).body;
    let described: BTreeSet<String> = document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .filter(|(path, _)| path.starts_with("/1.6/") || path.starts_with("/v1/"))
        .flat_map(|(path, item)| {
            let methods = item.as_object().unwrap().keys().filter(|method| *method != "get");
            methods.map(move |method| format!("{} {path}", method.to_ascii_uppercase()))
        })
        .collect();
    let told: BTreeSet<String> = calls()
        .iter()
        .map(|(method, path, _)| {
            let is_described = |described: &&String| {
                let (known, template) = described.split_once(' ').unwrap();
                known == *method && fits(template, path)
            };
            let found = described.iter().find(is_described);
            found
                .unwrap_or_else(|| panic!("{method} {path} is not described"))
                .clone()
        })
        .collect();
    assert_eq!(told, described);
    world.finish().await;
}

/// Whether a path is one of a template's: a parameter stands for anything but what another template has there.
fn fits(template: &str, path: &str) -> bool {
    let (template, path): (Vec<_>, Vec<_>) = (template.split('/').collect(), path.split('/').collect());
    template.len() == path.len()
        && template
            .iter()
            .zip(&path)
            .all(|(described, sent)| described.starts_with('{') || described == sent)
}

use common::{
    domain::MAX_META_PROPERTIES,
    testing::{self, TestDatabase},
};
use serde_json::{Value, json};

use crate::{
    rest::access::{assert_only_managers, assert_only_readers},
    testing::{Answer, Client},
};

/// A sale of 550 by jane, and its path.
async fn sold(client: &Client) -> String {
    let sale = json!({"coupon": "JANE10OFF", "amount": 550, "external_id": "ORD1"});
    format!("/1.6/conversions/{}/", client.conversion(sale).await.id)
}

async fn patch(client: &Client, path: &str, body: &Value) -> Answer {
    client.call("PATCH", path, body.to_string()).await
}

fn amounts(conversion: &Value) -> Vec<&Value> {
    let commissions = conversion["commissions"].as_array().unwrap().iter();
    commissions.map(|commission| &commission["amount"]).collect()
}

async fn edits(database: &TestDatabase) -> i64 {
    database
        .count("SELECT count(*) FROM events WHERE kind = 'edit_conversion'")
        .await
}

#[tokio::test]
async fn only_what_is_sent_changes_and_commissions_stay() {
    let database = testing::database().await;
    let client = Client::over(&database.pool);
    let path = sold(&client).await;
    let sent = json!({"amount": 17.95, "meta_data": {"baz": "qux"}});
    let answer = patch(&client, &path, &sent).await;
    assert_eq!(answer.status, 200);
    let changed = answer.json;
    assert_eq!(
        (&changed["amount"], &changed["meta_data"], &changed["external_id"]),
        (&json!(17.95), &json!({"baz": "qux"}), &json!("ORD1"))
    );
    assert_eq!(amounts(&changed), [&json!(55), &json!(27.5)]);
    assert_eq!(client.get(&path).await.json, changed, "as it is read");
    database.prove().await;
    for nothing in [json!({}), json!([]), json!({"amount": null, "external_id": null})] {
        assert_eq!(patch(&client, &path, &nothing).await.json, changed, "{nothing}");
    }
    let blank = patch(&client, &path, &json!({"external_id": ""})).await;
    assert_eq!(blank.status, 400, "an order has no blank id");
}

#[tokio::test]
async fn commissions_are_recalculated_where_that_is_asked_for() {
    let database = testing::database().await;
    let client = Client::over(&database.pool);
    let path = sold(&client).await;
    for (flag, want) in [
        ("", json!([55, 27.5])),
        ("?recalculate_commissions=", json!([55, 27.5])),
        ("?recalculate_commissions=False", json!([55, 27.5])),
        ("?recalculate_commissions=1", json!([2, 1])),
    ] {
        let answer = patch(&client, &format!("{path}{flag}"), &json!({"amount": "20"})).await;
        assert_eq!(json!(amounts(&answer.json)), want, "{flag}");
        database.prove().await;
    }
    let wrong = format!("{path}?recalculate_commissions=maybe");
    assert_eq!(patch(&client, &wrong, &json!({"amount": 1})).await.status, 400);
}

#[tokio::test]
async fn an_order_id_may_change_to_one_that_is_free() {
    let database = testing::database().await;
    let client = Client::over(&database.pool);
    let path = sold(&client).await;
    let other = json!({"coupon": "PETER10", "amount": 1, "external_id": "ORD2"});
    let other = client.conversion(other).await.id;
    let taken = patch(&client, &path, &json!({"external_id": "ORD2"})).await;
    assert_eq!(taken.status, 400);
    assert!(
        taken.json["message"].as_str().unwrap().contains("ORD2"),
        "{}",
        taken.json
    );
    let gone = client.delete(&format!("/1.6/conversions/{other}/")).await;
    assert_eq!(gone.status, 204);
    let renamed = patch(&client, &path, &json!({"external_id": "ORD2"})).await;
    assert_eq!(
        (renamed.status, &renamed.json["external_id"]),
        (200, &json!("ORD2"))
    );
    for (order, want) in [("ORD1", 0), ("ORD2", 1)] {
        let found = client
            .get(&format!("/1.6/conversions/?external_id={order}"))
            .await;
        assert_eq!(found.json.as_array().unwrap().len(), want, "{order}");
    }
    database.prove().await;
}

#[tokio::test]
async fn what_is_malformed_changes_nothing() {
    let database = testing::database().await;
    let client = Client::over(&database.pool);
    let path = sold(&client).await;
    let before = client.get(&path).await.json;
    for body in [
        r#"{"amount": -1}"#,
        r#"{"amount": {}}"#,
        r#"{"amount": 1e999}"#,
        r#"{"amount": 9999999999999999}"#,
        r#"{"amount": ""}"#,
        r#"{"external_id": ""}"#,
        r#"{"external_id": 0}"#,
        r#"{"external_id": "a\u0000b"}"#,
        r#"{"external_id": "{order_id}"}"#,
        "{",
        "[1]",
        "[{}]",
        "\"x\"",
    ] {
        let answer = client.call("PATCH", &path, body).await;
        assert_eq!(answer.status, 400, "{body}");
        assert!(answer.json["errors"][0]["message"].is_string(), "{body}");
    }
    assert_eq!(client.get(&path).await.json, before);
    database.prove().await;
}

#[tokio::test]
async fn a_deleted_conversion_is_gone_with_its_money() {
    let database = testing::database().await;
    let client = Client::over(&database.pool);
    let path = sold(&client).await;
    let commission = client.get(&path).await.json["commissions"][0]["id"].clone();
    client
        .put(&format!("/1.6/commissions/{commission}/approved/"), &json!([]))
        .await;
    let balance = async || client.get("/1.6/affiliates/janejameson/balances/").await.json;
    assert_eq!(balance().await, json!({"USD": 55}));
    let once = client.with_header("idempotency-key", "delete-1");
    for _ in 0..2 {
        let answer = once.delete(&path).await;
        assert_eq!((answer.status, answer.json), (204, Value::Null));
    }
    assert_eq!(client.delete(&path).await.status, 404);
    assert_eq!(client.get(&path).await.status, 404);
    assert_eq!(patch(&client, &path, &json!({"amount": 1})).await.status, 404);
    assert_eq!(balance().await, json!({}));
    // One that took effect, and the repeat of it.
    assert_eq!(edits(&database).await, 2);
    database.prove().await;
}

#[tokio::test]
async fn the_trail_tells_what_was_before_and_after() {
    let database = testing::database().await;
    let client = Client::over(&database.pool);
    let path = sold(&client).await;
    patch(&client, &path, &json!({"amount": 17.95})).await;
    let noted = "SELECT count(*) FROM audit_entries WHERE action = 'edit_conversion' AND subject LIKE 'conversion/%'
        AND (before -> 'conversion' ->> 'amount')::numeric = 550 AND (after -> 'conversion' ->> 'amount')::numeric = 17.95";
    assert_eq!(database.count(noted).await, 1);
}

#[tokio::test]
async fn only_who_may_changes_a_conversion() {
    let database = testing::database().await;
    let client = Client::over(&database.pool);
    let path = sold(&client).await;
    let meta = format!("{path}meta-data/");
    let property = format!("{meta}foo/");
    client.put(&property, &json!({"value": "bar"})).await;
    for (method, path, body) in [
        ("PATCH", &path, json!({"amount": 1})),
        ("DELETE", &path, json!([])),
        ("PUT", &meta, json!({"a": 1})),
        ("PUT", &property, json!({"value": 1})),
        ("DELETE", &property, json!([])),
    ] {
        assert_only_managers(&database, &client, (method, path), &body).await;
    }
    for path in [&path, &meta, &property] {
        assert_only_readers(&client, path).await;
    }
    for id in ["999999", "abc", "%00", "cv_none", "%FF", "99999999999999999999"] {
        for (method, rest) in [
            ("PATCH", ""),
            ("DELETE", ""),
            ("GET", "meta-data/"),
            ("PUT", "meta-data/"),
            ("GET", "meta-data/foo/"),
            ("PUT", "meta-data/foo/"),
            ("DELETE", "meta-data/foo/"),
        ] {
            let path = format!("/1.6/conversions/{id}/{rest}");
            let answer = client.call(method, &path, r#"{"value": 1}"#).await;
            assert_eq!(answer.status, 404, "{method} {path}");
        }
    }
    assert_eq!(edits(&database).await, 1, "what is not there leaves no event");
}

#[tokio::test]
async fn meta_data_are_replaced_and_changed_by_key() {
    let database = testing::database().await;
    let client = Client::over(&database.pool);
    let meta = format!("{}meta-data/", sold(&client).await);
    let all = json!({"foo": "bar", "tap": "awesome"});
    let answer = client.put(&meta, &all).await;
    assert_eq!((answer.status, &answer.json), (200, &all));
    assert_eq!(client.get(&meta).await.json, all);
    let foo = format!("{meta}foo/");
    assert_eq!(client.get(&foo).await.json, json!({"value": "bar"}));
    let set = client.put(&foo, &json!({"value": "My value"})).await;
    assert_eq!((set.status, set.json), (200, json!({"value": "My value"})));
    let tap = format!("{meta}tap/");
    assert_eq!(client.delete(&tap).await.status, 204);
    assert_eq!(client.get(&meta).await.json, json!({"foo": "My value"}));
    assert_eq!(client.get(&tap).await.status, 404);
    assert_eq!(client.delete(&tap).await.status, 404, "it is gone");
    let named = format!("{meta}a%20b%2B%C3%A4/");
    assert_eq!(
        client.put(&named, &json!({"value": 1.50})).await.json,
        json!({"value": 1.5})
    );
    assert_eq!(client.get(&meta).await.json["a b+ä"], json!(1.5));
    assert_eq!(
        client.put(&meta, &json!([])).await.json,
        json!({}),
        "PHP's empty object"
    );
    database.prove().await;
}

#[tokio::test]
async fn meta_data_keep_to_their_limits() {
    let database = testing::database().await;
    let client = Client::over(&database.pool);
    let meta = format!("{}meta-data/", sold(&client).await);
    let many = |count: usize| {
        let entries = (0..count).map(|at| (format!("k{at}"), json!("v")));
        Value::Object(entries.collect())
    };
    assert_eq!(client.put(&meta, &many(MAX_META_PROPERTIES)).await.status, 200);
    let key = |key: &str| format!("{meta}{key}/");
    let value = json!({"value": "v"});
    assert_eq!(client.put(&key("one-more"), &value).await.status, 400);
    assert_eq!(
        client.put(&key("k3"), &value).await.status,
        200,
        "it is there already"
    );
    for wrong in [json!({}), json!([]), json!({"value": null})] {
        assert_eq!(client.put(&key("k3"), &wrong).await.status, 400, "{wrong}");
    }
    let twice = client.call("PUT", &meta, r#"{"a": 1, "a": 2}"#).await;
    assert_eq!(twice.status, 400, "{}", twice.json);
    assert_eq!(client.get(&meta).await.json, many(MAX_META_PROPERTIES));
    let long = json!({"a:b": "v".repeat(40_000)});
    let cut = client.put(&meta, &long).await;
    assert!(cut.status == 200 && cut.json.to_string().len() <= 32 * 1024);
}

#[tokio::test]
async fn properties_that_are_set_at_once_all_hold() {
    let database = testing::database().await;
    let client = Client::over(&database.pool);
    let meta = format!("{}meta-data/", sold(&client).await);
    let set = |name: &str| {
        let (client, path) = (client.clone(), format!("{meta}{name}/"));
        async move { client.put(&path, &json!({"value": "v"})).await.status }
    };
    let statuses = tokio::join!(set("a"), set("b"), set("c"), set("d"));
    assert_eq!(statuses, (200, 200, 200, 200));
    let all = client.get(&meta).await.json;
    assert_eq!(all, json!({"a": "v", "b": "v", "c": "v", "d": "v"}));
}

#[tokio::test]
async fn an_empty_order_is_found_nowhere_and_other_empty_filters_are_not_sent() {
    let database = testing::database().await;
    let client = Client::over(&database.pool);
    sold(&client).await;
    let count = async |list: &str| {
        let answer = client.get(list).await;
        assert_eq!(answer.status, 200, "{list}");
        assert!(answer.headers.contains_key("link"), "{list}");
        answer.json.as_array().unwrap().len()
    };
    assert_eq!(count("/1.6/conversions/?external_id=").await, 0);
    assert_eq!(count("/1.6/conversions/?external_id").await, 0);
    assert_eq!(count("/1.6/customers/?customer_id=").await, 0);
    let others =
        "program_id=&affiliate_id=&pending=&date_from=&date_to=&use_profile_timezone=&page=&group_id=";
    assert_eq!(count(&format!("/1.6/conversions/?{others}")).await, 1);
}

#[tokio::test]
async fn days_are_the_owners_where_that_is_asked_for() {
    let database = testing::database().await;
    let client = Client::over(&database.pool);
    sold(&client).await;
    database
        .run("UPDATE conversions SET created_at = '2026-01-30T23:30:00Z'")
        .await;
    database
        .run("UPDATE api_keys SET timezone = 'Europe/Amsterdam' WHERE name = 'demo-key'")
        .await;
    let days = "date_from=2026-01-31&date_to=2026-01-31";
    for (flag, key, want) in [
        ("", "demo-key", 0),
        ("&use_profile_timezone=0", "demo-key", 0),
        ("&use_profile_timezone=", "demo-key", 0),
        ("&use_profile_timezone=1", "demo-key", 1),
        ("&use_profile_timezone=True", "demo-key", 1),
        ("&use_profile_timezone=1", "demo-read-key", 0),
    ] {
        let client = client.with_key(key);
        let found = client.get(&format!("/1.6/conversions/?{days}{flag}")).await.json;
        assert_eq!(found.as_array().unwrap().len(), want, "{flag} {key}");
    }
}

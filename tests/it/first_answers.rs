//! Sales that are sent again with a key that wants the first answer: of every dialect, at once, and by import.

use commissary_tests::{Answer, Queue, World};
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

on_both_queues!(
    the_same_sale_has_the_first_answer_and_another_the_documented_error,
    of_many_at_once_all_have_the_first_answer,
    equal_refunds_are_one_whoever_sends_them,
);

/// Makes a key that wants repeats answered as they were first.
async fn key(world: &World) -> String {
    let create = [
        "keys",
        "create",
        "--org",
        "demo",
        "--name",
        "network",
        "--repeats",
        "first",
        "--json",
    ];
    let created = world.commissary(&create).await.well().json();
    assert_eq!(created["created"]["repeats"], "first");
    created["key"].as_str().unwrap().to_owned()
}

async fn send(world: &World, key: &str, path: &str, body: &Value) -> Answer {
    let bearer = format!("Bearer {key}");
    let headers = [
        ("Y-API-Key", key),
        ("X-Api-Key", key),
        ("Authorization", bearer.as_str()),
        ("Prefer", "wait=10"),
    ];
    let url = format!("{}{path}", world.shop.ingest);
    world
        .shop
        .call(Method::POST, &url, &headers, Some(body))
        .await
        .unwrap()
}

/// A sale of each dialect, the same with something else in it, and the status of its documented error.
fn sales(click: &str) -> Vec<(&'static str, Value, Value, u16)> {
    let with = |body: &Value, name: &str, value: Value| {
        let mut other = body.clone();
        other[name] = value;
        other
    };
    let yaplet = json!({"order_id": "y", "total_amount": 100, "customer": {"email": "a@example.com"}});
    let postback =
        json!({"external_id": "p", "coupon": "JANE10OFF", "amount": 100, "meta_data": {"shop": "1"}});
    let rest = json!({"external_id": "r", "coupon": "JANE10OFF", "amount": 100});
    let affitor =
        json!({"transaction_id": "a", "click_id": click, "amount_cents": 10_000, "currency": "usd"});
    vec![
        (
            "/api/affiliates/track/PARTNER_CODE",
            yaplet.clone(),
            with(&yaplet, "total_amount", json!(101)),
            409,
        ),
        (
            "/1.7/pb/con/c/",
            postback.clone(),
            with(&postback, "coupon", json!("PETER10")),
            400,
        ),
        (
            "/1.7/pb/con/c/",
            postback.clone(),
            with(&postback, "meta_data", json!({"shop": "2"})),
            400,
        ),
        (
            "/1.6/conversions/",
            rest.clone(),
            with(&rest, "amount", json!("100.01")),
            400,
        ),
        (
            "/api/v1/track/sale",
            affitor.clone(),
            with(&affitor, "amount_cents", json!(9_999)),
            409,
        ),
    ]
}

async fn the_same_sale_has_the_first_answer_and_another_the_documented_error(queue: Queue) {
    let world = World::start(queue).await;
    let key = key(&world).await;
    let link = json!({"affiliate_url": "https://tapper.inc/pricing?aff=abc123"});
    let click = send(&world, &key, "/api/v1/track/click", &link)
        .await
        .expect(200)
        .text("/click_id");
    for (path, sale, other, error) in sales(&click) {
        let first = send(&world, &key, path, &sale).await.expect(200);
        let again = send(&world, &key, path, &sale).await.expect(200);
        assert_eq!(again.body, first.body, "{path}");
        assert!(again.header("x-event-id").is_some(), "{again:?}");
        let told = send(&world, &key, path, &other).await.expect(error);
        assert!(told.header("x-event-id").is_some(), "{told:?}");
        let by_another = send(&world, "demo-key", path, &sale).await;
        by_another.expect(error);
    }
    let yaplet = json!({"order_id": "y", "total_amount": 7, "customer": {"email": "a@example.com"}});
    let told = send(&world, &key, "/api/affiliates/track/FLAT5", &yaplet)
        .await
        .expect(409);
    assert_eq!(
        told.body["data"]["affiliate_code"], "PARTNER_CODE",
        "the first one's"
    );

    // An amount that is changed later does not change what was answered first, nor what is the same.
    let update = json!({"external_id": "p", "amount": 50});
    world.shop.postback("con/u", &update, &[]).await.expect(200);
    let postback =
        r#"{"external_id": "p", "coupon": " jane10off", "amount": "100.00", "meta_data": {"shop": 1}}"#;
    let postback: Value = serde_json::from_str(postback).unwrap();
    let again = send(&world, &key, "/1.7/pb/con/c/", &postback).await.expect(200);
    assert!((again.number("/amount") - 100.0).abs() < 0.001, "{again:?}");

    let line = json!({"external_id": "l", "coupon": "JANE10OFF", "amount": 100});
    let lines = [
        line.clone(),
        line.clone(),
        json!({"external_id": "l", "coupon": "PETER10", "amount": 100}),
    ];
    let lines: Vec<String> = lines.iter().map(Value::to_string).collect();
    let batch = world.shop.lines_as(&key, &lines.join("\n")).await.expect(200);
    let of = |line: usize, name: &str| batch.body["results"][line][name].clone();
    assert_eq!(
        (of(0, "status"), of(1, "status"), of(2, "reason")),
        (json!("applied"), json!("applied"), json!("duplicate_order"))
    );
    assert_eq!(of(1, "event_id"), of(0, "event_id"));
    assert_eq!(of(1, "conversion"), of(0, "conversion"));

    let file = world.file(
        "orders.ndjson",
        &format!(
            "{line}\n{}\n",
            json!({"external_id": "l", "coupon": "JANE10OFF", "amount": 99})
        ),
    );
    let imported = world
        .commissary(&["import", &file, "--org", "demo", "--json"])
        .await;
    assert_eq!(imported.code, Some(1), "{imported:?}");
    let groups = imported.json()["groups"].clone();
    assert_eq!(
        (&groups[0]["status"], &groups[1]["reason"]),
        (&json!("already_there"), &json!("duplicate_order")),
        "{groups}"
    );
    assert_eq!(imported.json()["unapplied"], 1);
    assert_eq!(world.count("SELECT count(*) FROM conversions").await, 5);
    world.finish().await;
}

async fn of_many_at_once_all_have_the_first_answer(queue: Queue) {
    let world = World::of(queue).workers(2).start().await;
    let key = key(&world).await;
    for round in 0..5 {
        let sale = json!({"order_id": format!("o{round}"), "total_amount": 100, "customer": {"email": "a@example.com"}});
        let path = "/api/affiliates/track/PARTNER_CODE";
        let answers =
            join_all((0..12).map(async |_| send(&world, &key, path, &sale).await.expect(200))).await;
        assert_eq!(answers[0].body["success"], true, "{:?}", answers[0]);
        assert!(
            answers.iter().all(|answer| answer.body == answers[0].body),
            "{answers:?}"
        );
    }
    assert_eq!(world.count("SELECT count(*) FROM conversions").await, 5);
    assert_eq!(
        world
            .count("SELECT count(*) FROM events WHERE reason = 'idempotent_repeat'")
            .await,
        55
    );
    world.finish().await;
}

async fn equal_refunds_are_one_whoever_sends_them(queue: Queue) {
    let world = World::start(queue).await;
    let shop = &world.shop;
    shop.track("o", 100).await.expect(200);
    let line = json!({"type": "refund", "external_id": "o", "amount": 10});
    let with_id = json!({"type": "refund", "external_id": "o", "amount": 10, "refund_id": "r1"});
    let lines = [line.to_string(), line.to_string(), with_id.to_string()].join("\n");
    let batch = shop.lines(&lines).await.expect(200);
    let warnings = |of: usize| batch.body["results"][of]["warnings"].clone();
    assert_eq!(
        (warnings(0), warnings(2)),
        (Value::Null, Value::Null),
        "{batch:?}"
    );
    assert!(
        warnings(1)[0].as_str().unwrap().contains("refund_id"),
        "{batch:?}"
    );
    let event = batch.text("/results/1/event_id");
    let receipt = shop.get(&format!("/v1/events/{event}")).await.expect(200);
    assert_eq!(receipt.body["warnings"], warnings(1));

    let refund = json!({"transaction_id": "o", "refund_amount_cents": 1000});
    let told = send(&world, "demo-key", "/api/v1/track/refund", &refund)
        .await
        .expect(200);
    assert_eq!(
        (told.text("/status"), &told.body["warnings"]),
        ("skipped".to_owned(), &warnings(1))
    );
    let file = world.file("refunds.ndjson", &format!("{line}\n{line}\n"));
    let imported = world
        .commissary(&["import", &file, "--org", "demo", "--json"])
        .await
        .well()
        .json();
    assert_eq!(
        (&imported["groups"][0]["reason"], &imported["groups"][0]["count"]),
        (&json!("repeated_refund"), &json!(2))
    );
    assert_eq!(
        world.sql("SELECT refunded::bigint FROM conversions").await,
        "20",
        "one, and the one with an id"
    );
    world.finish().await;
}

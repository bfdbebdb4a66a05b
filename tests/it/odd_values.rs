//! What shops send for what they do not have, through all processes: the sale is recorded, and what was left out of it is told
//! wherever somebody looks.

use commissary_tests::{Queue, World};
use serde_json::{Value, json};

on_both_queues!(what_was_left_out_is_told, codes_and_addresses_in_any_case);

const PROGRAM_KEY: Option<&str> = Some("demo-program-key");

async fn what_was_left_out_is_told(queue: Queue) {
    let world = World::start(queue).await;
    let shop = &world.shop;
    let items: Value = (0..50)
        .map(|item| (format!("item {item}: \"x\""), json!("v".repeat(1_000))))
        .collect();
    let sale = json!({
        "external_id": "o1", "coupon": "JANE10OFF", "amount": 100, "customer_id": 0, "meta_data": items
    });
    let sold = shop.postback("con/c", &sale, &[]).await.expect(200);
    let warnings = sold.body["warnings"].clone();
    assert_eq!(warnings.as_array().map(Vec::len), Some(2), "{}", sold.body);
    assert_eq!(sold.body["customer"], Value::Null);

    let listed = shop.get("/1.6/conversions/?external_id=o1").await.expect(200);
    assert_eq!(listed.body[0]["warnings"], warnings, "the row");
    let explained = shop.get("/v1/explain?external_id=o1").await.expect(200).body;
    assert_eq!(explained["conversions"][0]["warnings"], warnings, "{explained}");
    let event = explained["conversions"][0]["events"][0]["event"]
        .as_str()
        .unwrap_or_default();
    let receipt = shop.get(&format!("/v1/events/{event}")).await.expect(200);
    assert_eq!(receipt.body["warnings"], warnings, "{}", receipt.body);

    // The next guest is another one.
    let next = json!({"external_id": "o2", "coupon": "PETER10", "amount": 100, "customer_id": "0"});
    let sold = shop.postback("con/c", &next, &[]).await.expect(200);
    assert_eq!(sold.body["affiliate"]["id"], "peterpeterson");
    let unknown = json!({"external_id": "undefined", "coupon": "PETER10", "amount": 100});
    shop.postback("con/c", &unknown, &[]).await.expect(400);
    world.finish().await;
}

async fn codes_and_addresses_in_any_case(queue: Queue) {
    let world = World::start(queue).await;
    let shop = &world.shop;
    for (order, code) in [("o1", "NWJINMY"), ("o2", "nwjinmy/"), ("o3", "JaneJameson")] {
        let sale = json!({
            "external_id": order, "referral_code": code, "amount": 1, "customer_id": format!("Jane{order}@Example.com")
        });
        let sold = shop.postback("con/c", &sale, &[]).await.expect(200);
        assert_eq!(sold.body["affiliate"]["id"], "janejameson", "{code}");
    }
    let again =
        json!({"external_id": "o4", "coupon": "PETER10", "amount": 1, "customer_id": "JANEO1@example.com"});
    let sold = shop.postback("con/c", &again, &[]).await.expect(200);
    assert_eq!(
        sold.body["affiliate"]["id"], "janejameson",
        "the first affiliate keeps the customer"
    );
    let click = json!({"affiliate_url": "https://tapper.inc/pricing?aff=ABC123/"});
    let click = shop
        .post("/api/v1/track/click", None, &click)
        .await
        .expect(200)
        .text("/click_id");
    let sale =
        json!({"transaction_id": "t1", "amount_cents": 100, "click_id": click, "customer_key": "null"});
    let sold = shop
        .post("/api/v1/track/sale", PROGRAM_KEY, &sale)
        .await
        .expect(200);
    assert_eq!(
        sold.body["warnings"].as_array().map(Vec::len),
        Some(1),
        "{}",
        sold.body
    );
    world.finish().await;
}

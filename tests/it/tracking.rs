//! Clicks, leads, sales and refunds of the tracking dialects, through all processes: who came without a key is found by
//! the worker, and never stands in the way of who came with one.

use commissary_tests::{Queue, World, wait_until};
use futures_util::future::join_all;
use serde_json::json;
use std::time::Duration;

on_both_queues!(
    affitor_from_click_to_refund,
    affy_from_click_to_payment,
    rest_from_click_to_commissions,
    a_signed_order_supersedes_a_pixel,
    leads_and_sales_at_once
);

const KEY: Option<&str> = Some("demo-program-key");
const LINK: &str = "https://tapper.inc/pricing?aff=abc123";

async fn visitor(world: &World) -> String {
    let click = world
        .shop
        .post("/api/v1/track/click", None, &json!({"affiliate_url": LINK}))
        .await;
    click.expect(200).text("/click_id")
}

async fn owed(world: &World, affiliate: &str) -> f64 {
    let balances = world
        .shop
        .get(&format!("/1.6/affiliates/{affiliate}/balances/"))
        .await
        .expect(200);
    balances.body["USD"].as_f64().unwrap_or_default()
}

async fn affitor_from_click_to_refund(queue: Queue) {
    let world = World::start(queue).await;
    let shop = &world.shop;
    let click = visitor(&world).await;
    let lead = json!({"click_id": click, "customer_key": "user-1", "email": "user@example.com"});
    shop.post("/api/v1/track/lead", KEY, &lead).await.expect(200);
    let stored = world.sql("SELECT email FROM customers").await;
    assert!(
        stored.starts_with("sha256:") && !stored.contains("example"),
        "{stored}"
    );

    let sale =
        json!({"customer_key": "user-1", "transaction_id": "txn-1", "amount_cents": 9999, "currency": "usd"});
    let sold = shop.post("/api/v1/track/sale", KEY, &sale).await.expect(200);
    assert_eq!(sold.body["message"], json!("Sale tracked successfully"));
    assert!((owed(&world, "affitoralex").await - 10.0).abs() < 0.001);
    shop.post("/api/v1/track/sale", KEY, &sale).await.expect(409);

    for (id, status, left) in [
        ("r1", "refunded", 6.67),
        ("r1", "skipped", 6.67),
        ("r2", "refunded", 3.33),
        ("r3", "reversed", 0.0),
    ] {
        let refund = json!({"transaction_id": "txn-1", "refund_amount_cents": 3333, "refund_id": id});
        let answer = shop.post("/api/v1/track/refund", KEY, &refund).await.expect(200);
        assert_eq!(answer.text("/status"), status, "{answer:?}");
        assert_eq!(answer.body["sale_id"], sold.body["sale_id"]);
        assert!(
            (owed(&world, "affitoralex").await - left).abs() < 0.001,
            "after {id}"
        );
    }
    world.finish().await;
}

async fn affy_from_click_to_payment(queue: Queue) {
    let world = World::start(queue).await;
    let shop = &world.shop;
    let click = json!({"clientId": 12345, "affiliateReference": "aff_xyz123", "clickId": "click-1", "sessionId": "session-1"});
    let clicked = shop
        .post("/api/v1/tracking/click", None, &click)
        .await
        .expect(200);
    // A stranger's organisation may use the same names, and takes nothing by it.
    let theirs = json!({"clientId": 67890, "affiliateReference": "otheroscar", "clickId": "click-1", "sessionId": "session-2"});
    shop.post("/api/v1/tracking/click", None, &theirs)
        .await
        .expect(200);
    let mut registration = json!({"clickId": "click-1", "email": "c@example.com", "customerId": "user-9"});
    let ambiguous = shop.post("/api/v1/tracking/registration", None, &registration);
    let ambiguous = ambiguous.await.expect(400);
    assert!(
        ambiguous.text("/message").contains("clientId"),
        "{:?}",
        ambiguous.body
    );
    registration["clientId"] = json!(12345);
    let registered = shop
        .post("/api/v1/tracking/registration", None, &registration)
        .await
        .expect(200);
    assert_eq!(registered.text("/clickId"), "click-1");
    let status = shop
        .get_as("/api/v1/tracking/status/session-1", None)
        .await
        .expect(200);
    assert_eq!(status.body["clickId"], clicked.body["clickId"]);

    let payment = json!({"clientId": 12345, "leadType": "PAYMENT", "customerEmail": "c@example.com", "leadValue": 99.0,
                         "sessionId": "session-1"});
    shop.post("/api/v1/tracking/lead", None, &payment)
        .await
        .expect(200);
    assert!(
        owed(&world, "affyann").await.abs() < 0.001,
        "what can be forged waits for a person"
    );
    let mut keyed = payment.clone();
    keyed["transactionId"] = json!("txn-1");
    let first = shop
        .post("/api/v1/tracking/lead", Some("demo-program-key"), &keyed)
        .await
        .expect(200);
    let again = shop
        .post("/api/v1/tracking/lead", Some("demo-program-key"), &keyed)
        .await
        .expect(200);
    assert_eq!(first.body["leadId"], again.body["leadId"]);
    assert_eq!(world.count("SELECT count(*) FROM conversions").await, 2);
    world.finish().await;
}

async fn rest_from_click_to_commissions(queue: Queue) {
    let world = World::start(queue).await;
    let shop = &world.shop;
    let click = json!({"referral_code": "nwjinmy", "referrer": "https://blog.example", "meta_data": {"subid1": "baz"}});
    let click = shop.rest("/clicks/", &click).await.expect(200).text("/id");
    let customer = json!({"click_id": click, "customer_id": "USER789", "status": "trial"});
    let customer = shop.rest("/customers/", &customer).await.expect(200);
    assert_eq!(customer.text("/affiliate/id"), "janejameson");
    assert_eq!(customer.text("/click/referrer"), "https://blog.example");

    let sale = json!({"customer_id": "USER789", "external_id": "ORD-1", "amount": 100});
    let sold = shop.rest("/conversions/", &sale).await.expect(200);
    assert_eq!(sold.text("/customer/status"), "paying");
    assert_eq!(sold.body["commissions"].as_array().map(Vec::len), Some(2));
    let path = format!("/conversions/{}/commissions/", sold.body["id"]);
    let line =
        json!({"conversion_sub_amount": 50, "commission_type": "mycommissiontype", "comment": "Awesome!"});
    let added = shop.rest(&path, &line).await.expect(200);
    assert_eq!(added.body[0]["amount"].as_f64(), Some(2.0), "{added:?}");
    let read = shop.get("/1.6/conversions/?external_id=ORD-1").await.expect(200);
    assert_eq!(
        read.body[0]["commissions"].as_array().map(Vec::len),
        Some(4),
        "{read:?}"
    );
    world.finish().await;
}

async fn a_signed_order_supersedes_a_pixel(queue: Queue) {
    let world = World::start(queue).await;
    let shop = &world.shop;
    shop.pixel("external_id=ORD-1&amount=9000&coupon=PARTNER_CODE")
        .await
        .expect(200);
    wait_until(
        "the pixel has left a conversion",
        Duration::from_secs(10),
        async || world.count("SELECT count(*) FROM conversions").await == 1,
    )
    .await;
    assert_eq!(world.sql("SELECT pending FROM balances").await, "900.0000");
    let refund = r#"{"type": "refund", "external_id": "ORD-1", "amount": 25, "refund_id": "r1"}"#;
    let refunded = shop.lines(refund).await.expect(200);
    assert_eq!(refunded.body["applied"], json!(1));
    let order = json!({"external_id": "ORD-1", "coupon": "PARTNER_CODE", "amount": 100});
    shop.postback("con/c", &order, &[]).await.expect(200);
    shop.postback("con/c", &order, &[]).await.expect(400);
    assert_eq!(
        world.sql("SELECT pending || ' ' || payable FROM balances").await,
        "0.0000 7.5000",
        "the refund goes on with the signed order"
    );
    let linked =
        "SELECT count(*) FROM conversions old JOIN conversions new ON new.conversion_id = old.superseded_by
                  WHERE old.deleted_at IS NOT NULL AND new.deleted_at IS NULL";
    assert_eq!(world.count(linked).await, 1);
    let explained = world
        .commissary(&["explain", "ORD-1", "--org", "demo"])
        .await
        .well();
    assert!(
        explained.out.contains("superseded") || explained.out.contains("took the place"),
        "{}",
        explained.out
    );
    world.finish().await;
}

/// Leads of one visitor and sales that name it, all at once in two workers: one customer, and every sale is counted.
async fn leads_and_sales_at_once(queue: Queue) {
    let world = World::of(queue).workers(2).start().await;
    let click = visitor(&world).await;
    let lead = json!({"click_id": click, "customer_key": "user-1"});
    let shop = &world.shop;
    let leads = join_all((0..5).map(|_| shop.post("/api/v1/track/lead", KEY, &lead)));
    let sales = join_all((0..20).map(|n| {
        let sale = json!({"click_id": click, "transaction_id": format!("t-{n}"), "amount_cents": 1000});
        async move { shop.post("/api/v1/track/sale", KEY, &sale).await }
    }));
    let (leads, sales): (Vec<_>, Vec<_>) = tokio::join!(leads, sales);
    for sale in sales {
        sale.expect(200);
    }
    // A lead that comes after the first sale is told that the customer has bought.
    let refused = "Customer status cannot be updated to lead. Current status: conversion";
    for lead in leads {
        assert!(lead.status == 200 || lead.body["error"] == refused, "{lead:?}");
    }
    assert_eq!(world.count("SELECT count(*) FROM customers").await, 1);
    assert_eq!(world.count("SELECT counted FROM customers").await, 20);
    world.finish().await;
}

//! What a storefront sends and is told, through all processes.

use commissary_tests::{Busy, Queue, World, signal, wait_until};
use futures_util::future::join_all;
use serde_json::{Value, json};
use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

on_both_queues!(
    documented_calls,
    twenty_at_once,
    receipts,
    idempotency_keys,
    an_update_before_its_sale,
    an_update_right_after_the_receipt
);

const ASYNC: (&str, &str) = ("Prefer", "respond-async");

/// The creating examples of the documents, with only the host changed.
async fn documented_calls(queue: Queue) {
    let world = World::start(queue).await;
    let shop = &world.shop;

    let order = json!({
        "order_id": "order_12345", "total_amount": 100.00, "commission": 10.00, "notes": "Summer sale order",
        "customer": {"email": "jane@example.com", "name": "Jane Smith", "customer_id": "cust_789",
                     "customer_metadata": {"source": "website"}},
        "timestamp": 1_640_995_200_000_i64,
        "product": {"id": "prod_123", "name": "Pro Plan", "category": "subscription"},
        "metadata": {"utm_source": "newsletter"},
    });
    let tracked = shop
        .track_as("demo-key", "PARTNER_CODE", &order)
        .await
        .expect(200);
    assert_eq!(tracked.body["success"], json!(true));
    for (pointer, prefix) in [
        ("/data/commission_id", "comm_"),
        ("/data/partner_id", "partner_"),
        ("/data/customer_id", "customer_"),
    ] {
        assert!(tracked.text(pointer).starts_with(prefix), "{tracked:?}");
    }
    assert!((tracked.number("/data/commission_amount") - 10.0).abs() < f64::EPSILON);
    assert_eq!(tracked.text("/data/order_id"), "order_12345");
    assert_eq!(tracked.text("/data/affiliate_code"), "PARTNER_CODE");

    let unknown = json!({"order_id": "o2", "total_amount": 1, "customer": {"email": "a@b.c"}});
    let unknown = shop.track_as("demo-key", "NO_SUCH", &unknown).await.expect(200);
    let message = "No approved affiliate partner found for coupon code: NO_SUCH";
    assert_eq!(unknown.body, json!({"success": false, "message": message}));

    let link = shop
        .postback_link("con/c", "referral_code=nwjinmy&amount=100&external_id=ORD345")
        .await;
    check_documented(&link.expect(200).body, "ORD345");
    let body = json!({"referral_code": "nwjinmy", "amount": "100", "external_id": "ORD005"});
    check_documented(
        &shop.postback("con/c", &body, &[]).await.expect(200).body,
        "ORD005",
    );

    let query = "amount=100&external_id=ORD345&meta_data[testparam]=testvalue&status=disapproved";
    let updated = shop.postback_link("con/u", query).await.expect(200);
    assert_eq!(updated.body["meta_data"], json!({"testparam": "testvalue"}));
    assert_eq!(updated.body["commissions"][0]["approved"], json!(false));
    let body = json!({"external_id": "ORD005", "status": "disapproved", "amount": "100",
                      "meta_data": {"testparam": "testvalue"}});
    shop.postback("con/u", &body, &[]).await.expect(200);

    let read = shop.get("/1.6/conversions/?external_id=ORD005").await.expect(200);
    assert_eq!(
        read.body[0]["commissions"][0]["approved"],
        json!(false),
        "{read:?}"
    );
    let owed = shop.get("/1.6/affiliates/patpartner/balances/").await.expect(200);
    assert!((owed.number("/USD") - 10.0).abs() < f64::EPSILON, "{owed:?}");
    world.finish().await;
}

fn check_documented(body: &Value, order: &str) {
    assert!(body["id"].as_str().unwrap().starts_with("cv_"), "{body}");
    assert_eq!(body["external_id"], json!(order));
    assert_eq!(body["affiliate"]["id"], json!("janejameson"));
    let commission = &body["commissions"][0];
    assert_eq!(commission["kind"], json!("regular"));
    assert_eq!(commission["amount"].as_f64(), Some(10.0));
    assert_eq!(commission["approved"], Value::Null);
}

async fn twenty_at_once(queue: Queue) {
    let world = World::of(queue).workers(2).start().await;
    let answers = join_all((0..20).map(|_| world.shop.track("one-order", 100))).await;
    let (won, lost): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status == 200);
    assert_eq!(won.len(), 1, "{won:?}");
    let first = world.sql("SELECT event_id FROM conversions").await;
    for answer in lost {
        let answer = answer.expect(409);
        assert_eq!(answer.text("/data/event_id"), first);
        assert_eq!(
            answer.text("/data/commission_id"),
            won[0].text("/data/commission_id")
        );
    }
    world.finish().await;
}

async fn receipts(queue: Queue) {
    let world = World::start(queue).await;
    let shop = &world.shop;
    let receipt = shop.track_with("later", 100, &[ASYNC]).await.expect(202);
    let location = receipt.header("location").unwrap().to_owned();
    assert_eq!(location, format!("/v1/events/{}", receipt.text("/event_id")));
    assert_eq!(receipt.text("/status"), "accepted");
    assert_eq!(
        receipt.body.get("success"),
        None,
        "a receipt is no success: {receipt:?}"
    );

    let settled = world.settled(&location).await;
    assert_eq!(settled.text("/status"), "applied");
    assert_eq!(settled.text("/outcome/external_id"), "later");
    assert!(!settled.text("/applied_at").is_empty());
    shop.get_as(&location, Some("other-key")).await.expect(404);
    shop.get_as(&location, None).await.expect(401);

    let body = json!({"external_id": "refused", "coupon": "NO_SUCH", "amount": 1});
    let refused = shop.postback("con/c", &body, &[ASYNC]).await.expect(202);
    let settled = world.settled(refused.header("location").unwrap()).await;
    assert_eq!(settled.text("/status"), "refused");
    assert_eq!(settled.text("/outcome/reason"), "unknown_partner");
    world.finish().await;
}

async fn idempotency_keys(queue: Queue) {
    let world = World::start(queue).await;
    let shop = &world.shop;
    let key = [("Idempotency-Key", "once")];
    let body = |amount: u32| json!({"external_id": "idem", "coupon": "PETER10", "amount": amount});
    let first = shop.postback("con/c", &body(100), &key).await.expect(200);
    let again = shop.postback("con/c", &body(100), &key).await.expect(200);
    assert_eq!(first.body, again.body);
    shop.postback("con/c", &body(101), &key).await.expect(422);
    assert_eq!(world.count("SELECT count(*) FROM conversions").await, 1);
    // The key is its organisation's own.
    let theirs = json!({"external_id": "idem", "coupon": "JANE10OFF", "amount": 100});
    let url = format!("{}/1.7/pb/con/c/", shop.ingest);
    let headers = [("X-Api-Key", "other-key"), key[0]];
    let theirs = shop
        .call(reqwest::Method::POST, &url, &headers, Some(&theirs))
        .await
        .unwrap();
    assert_eq!(theirs.expect(200).text("/affiliate/id"), "otheroscar");
    world.finish().await;
}

/// Whoever has the receipt of a sale may change it at once, whichever lane has the sale, and however busy or still everybody is.
/// So many that not all are answered before the workers stand still.
const PAIRS: usize = 600;

async fn an_update_right_after_the_receipt(queue: Queue) {
    let world = World::of(queue).workers(2).start().await;
    let shop = &world.shop;
    let _busy = Busy::all_cores();
    let answered = AtomicUsize::new(0);
    let pair = async |order: usize| {
        let sale = json!({"external_id": format!("o{order}"), "coupon": "PETER10", "amount": 50});
        shop.postback("con/c", &sale, &[ASYNC]).await.expect(202);
        let update = json!({"external_id": format!("o{order}"), "amount": 20});
        let status = shop.postback("con/u", &update, &[]).await.status;
        answered.fetch_add(1, Ordering::SeqCst);
        status
    };
    let more_answers = async |more: usize| {
        let enough = (answered.load(Ordering::SeqCst) + more).min(PAIRS);
        wait_until(
            &format!("{more} more answers"),
            Duration::from_mins(1),
            async || answered.load(Ordering::SeqCst) >= enough,
        )
        .await;
    };
    let stand_still = async {
        more_answers(30).await;
        for worker in &world.workers {
            signal("STOP", worker.pid());
        }
        // Their callers have waited in vain.
        more_answers(60).await;
        for worker in &world.workers {
            signal("CONT", worker.pid());
        }
    };
    let (statuses, ()) = tokio::join!(join_all((0..PAIRS).map(pair)), stand_still);
    let count = |status: u16| statuses.iter().filter(|one| **one == status).count();
    let counts = format!(
        "{} with an outcome, {} with a receipt, {} unknown",
        count(200),
        count(202),
        count(404)
    );
    assert_eq!(count(200) + count(202), PAIRS, "{counts}: {statuses:?}");
    world.drained(0).await;
    world
        .until("NOT EXISTS (SELECT FROM events WHERE status IN ('queued', 'parked'))")
        .await;
    assert_eq!(
        world
            .count("SELECT count(*) FROM conversions WHERE amount = 20")
            .await,
        i64::try_from(PAIRS).unwrap()
    );
    world.finish().await;
}

async fn an_update_before_its_sale(queue: Queue) {
    let world = World::start(queue).await;
    let shop = &world.shop;
    let update = json!({"external_id": "early", "amount": 20});
    // Who waits is told that there is no such order; who does not wait may be early.
    shop.postback("con/u", &update, &[]).await.expect(404);
    let early = shop.postback("con/u", &update, &[ASYNC]).await.expect(202);
    let location = early.header("location").unwrap();
    wait_until("the update is parked", Duration::from_secs(10), async || {
        shop.get(location).await.text("/status") == "parked"
    })
    .await;
    let sale = json!({"external_id": "early", "coupon": "PETER10", "amount": 50});
    shop.postback("con/c", &sale, &[]).await.expect(200);
    assert_eq!(world.settled(location).await.text("/status"), "applied");
    let read = shop.get("/1.6/conversions/?external_id=early").await.expect(200);
    assert_eq!(read.body[0]["amount"].as_f64(), Some(20.0));
    assert_eq!(read.body[0]["commissions"][0]["amount"].as_f64(), Some(2.0));
    world.finish().await;
}

//! Changes and searches behind a backlog that no worker takes: whatever they need was accepted before, in any dialect, and none of
//! them is ever told that it is unknown.

use std::time::Duration;

use commissary_tests::{Answer, Queue, Shop, World, wait_until};
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

on_both_queues!(nothing_that_was_accepted_before_is_unknown_when_workers_come_back);

/// Sales of others before all of it.
const BACKLOG: usize = 2_000;
/// How long the workers are away, beyond the wait of those who call meanwhile.
const AWAY: Duration = Duration::from_secs(5);
const DRAIN: Duration = Duration::from_mins(1);

struct Call(&'static str, Value);

impl Call {
    async fn send(&self, shop: &Shop, prefer: &str) -> Answer {
        let url = format!("{}{}", shop.ingest, self.0);
        let headers = [
            ("X-Api-Key", "demo-key"),
            ("Y-API-Key", "demo-key"),
            ("Authorization", "Bearer demo-key"),
            ("Prefer", prefer),
        ];
        let answer = shop.call(Method::POST, &url, &headers, Some(&self.1));
        answer.await.unwrap()
    }
}

/// What is accepted one after the other, each needing what comes before it.
fn chains(tag: &str) -> Vec<Vec<Call>> {
    let name = |kind: &str| format!("{kind}-{tag}");
    let refund = |order: &str| {
        Call(
            "/api/v1/track/refund",
            json!({"transaction_id": name(order), "refund_amount_cents": 100}),
        )
    };
    let line = |order: &str| {
        Call(
            "/v1/events",
            json!({"type": "refund", "external_id": name(order), "amount": 2}),
        )
    };
    let update = |order: &str| {
        Call(
            "/1.7/pb/con/u/",
            json!({"external_id": name(order), "amount": 50}),
        )
    };
    let customer = |of: &str| {
        Call(
            "/1.7/pb/cus/c/",
            json!({"customer_id": name(of), "coupon": "PETER10"}),
        )
    };
    let click = |of: &str| {
        let click = json!({"clientId": 12345, "affiliateReference": "aff_xyz123", "clickId": name(of),
                           "sessionId": format!("s-{}", name(of))});
        Call("/api/v1/tracking/click", click)
    };
    let yaplet =
        json!({"order_id": name("yaplet"), "total_amount": 100, "customer": {"email": "a@example.com"}});
    let postback = json!({"external_id": name("postback"), "coupon": "PETER10", "amount": 100});
    let rest = json!({"external_id": name("rest"), "customer_id": name("buyer"), "amount": 100});
    let affitor = json!({"transaction_id": name("affitor"), "customer_key": name("key"), "amount_cents": 10_000,
                         "currency": "usd"});
    let affy = json!({"clientId": 12345, "leadValue": 100, "customerEmail": "a@example.com", "clickId": name("click"),
                      "transactionId": name("affy")});
    let session = json!({"clientId": 12345, "leadValue": 100, "customerEmail": "a@example.com",
                         "sessionId": format!("s-{}", name("session"))});
    let registration = json!({"clickId": name("registration"), "email": "a@example.com"});
    let lead = json!({"customer_id": name("known"), "meta_data": {"k": "v"}});
    vec![
        vec![
            Call("/api/affiliates/track/PARTNER_CODE", yaplet),
            refund("yaplet"),
            update("yaplet"),
            line("yaplet"),
        ],
        vec![
            Call("/1.7/pb/con/c/", postback),
            update("postback"),
            refund("postback"),
        ],
        vec![
            customer("buyer"),
            Call("/1.6/conversions/", rest),
            line("rest"),
            update("rest"),
        ],
        vec![
            customer("key"),
            Call("/api/v1/track/sale", affitor),
            refund("affitor"),
        ],
        vec![
            click("click"),
            Call("/api/v1/tracking/lead/payment", affy),
            refund("affy"),
            line("affy"),
        ],
        vec![click("session"), Call("/api/v1/tracking/lead/payment", session)],
        vec![
            click("registration"),
            Call("/api/v1/tracking/registration", registration),
        ],
        vec![customer("known"), Call("/1.7/pb/cus/u/", lead)],
    ]
}

async fn fill(world: &World) {
    for part in 0..BACKLOG / 500 {
        let sale = |of: usize| {
            json!({"external_id": format!("backlog-{part}-{of}"), "coupon": "JANE10OFF", "amount": 10})
                .to_string()
        };
        let lines: Vec<String> = (0..500).map(sale).collect();
        let taken = world.shop.lines_async(&lines.join("\n")).await.expect(200);
        assert_eq!(taken.body["accepted"], 500, "{taken:?}");
    }
}

/// The next of a chain is sent when the one before it has its receipt.
async fn send_chain(shop: &Shop, chain: &[Call], prefer: &str) -> Vec<Answer> {
    let mut answers = Vec::new();
    for call in chain {
        let answer = call.send(shop, prefer).await;
        let is_unknown = answer.body["message"] == json!("No affiliate referral found")
            || answer.body["success"] == json!(false)
            || answer.body["results"][0]["status"] == json!("refused");
        assert!(
            matches!(answer.status, 200 | 202) && !is_unknown,
            "{} {}: {answer:?}",
            call.0,
            call.1
        );
        answers.push(answer);
    }
    answers
}

async fn nothing_that_was_accepted_before_is_unknown_when_workers_come_back(queue: Queue) {
    let mut world = World::of(queue).workers(2).start().await;
    for mut worker in std::mem::take(&mut world.workers) {
        worker.terminate().await;
    }
    let shop = world.shop.clone();
    fill(&world).await;
    // Nobody is there to decide: whoever waits has a receipt in the end, and what it sent is still not refused when its time has
    // long been over.
    let early: Vec<_> = (0..4)
        .flat_map(|round| chains(&format!("early{round}")))
        .collect();
    let receipts = join_all(early.iter().map(|chain| send_chain(&shop, chain, "wait=1"))).await;
    let receipts: Vec<&Answer> = receipts.iter().flatten().collect();
    let is_receipt = |answer: &&&Answer| answer.status == 202 || answer.body["accepted"] == json!(1);
    assert_eq!(receipts.iter().filter(is_receipt).count(), receipts.len());
    tokio::time::sleep(AWAY).await;
    let late: Vec<_> = (0..4).flat_map(|round| chains(&format!("late{round}"))).collect();
    let send = join_all(late.iter().map(|chain| send_chain(&shop, chain, "wait=10")));
    tokio::join!(send, async {
        world.start_worker(None).await;
        world.start_worker(None).await;
    });
    world.drained(0).await;
    let sent: usize = early.iter().chain(&late).map(Vec::len).sum();
    let all = i64::try_from(sent + BACKLOG).unwrap();
    // What a worker holds and has not settled yet is in no queue that can be counted.
    wait_until("all has taken effect", DRAIN, async || {
        let others = "SELECT count(*) FROM events WHERE status <> 'applied'";
        world.count(others).await == 0 && world.count("SELECT count(*) FROM events").await == all
    })
    .await;
    world.finish().await;
}

//! Calls that need what was accepted a moment before, or what nobody has ever sent.

use std::time::Duration;

use commissary_tests::{Answer, Busy, Leftovers, Queue, World, signal, wait_for, wait_until};
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

on_both_queues!(
    what_was_accepted_before_is_never_unknown,
    what_nobody_sent_is_unknown,
    a_change_is_parked_until_what_it_changes_comes,
);

const ASYNC: &str = "respond-async";
const PATIENCE: Duration = Duration::from_mins(1);

/// A call with a key, by its path and body.
#[derive(Clone, Debug)]
struct Call {
    path: &'static str,
    body: Value,
}

impl Call {
    async fn send(&self, world: &World, prefer: &str) -> Answer {
        let url = format!("{}{}", world.shop.ingest, self.path);
        let headers = [
            ("X-Api-Key", "demo-key"),
            ("Authorization", "Bearer demo-key"),
            ("Prefer", prefer),
        ];
        let answer = world.shop.call(Method::POST, &url, &headers, Some(&self.body));
        answer.await.unwrap()
    }
}

/// Whether the dialect says that what the call needs is unknown. Of a visitor who came by nobody's link AFFY says it with a 200.
fn is_unknown(answer: &Answer) -> bool {
    matches!(answer.status, 400 | 404) || answer.body["message"] == json!("No affiliate referral found")
}

fn call(path: &'static str, body: Value) -> Call {
    Call { path, body }
}

fn sale(order: &str) -> Call {
    call(
        "/1.7/pb/con/c/",
        json!({"external_id": order, "coupon": "PETER10", "amount": 100}),
    )
}

fn refund(order: &str) -> Call {
    call(
        "/api/v1/track/refund",
        json!({"transaction_id": order, "refund_amount_cents": 1000}),
    )
}

fn customer(name: &str) -> Call {
    call(
        "/1.7/pb/cus/c/",
        json!({"customer_id": name, "coupon": "PETER10"}),
    )
}

fn click(name: &str) -> Call {
    let click = json!({"clientId": 12345, "affiliateReference": "aff_xyz123", "clickId": name, "sessionId": format!("s-{name}")});
    call("/api/v1/tracking/click", click)
}

/// Changes, and what they change. All names end with `tag`.
fn changes(tag: &str) -> Vec<(Call, Call)> {
    let name = |kind: &str| format!("{kind}-{tag}");
    let update = json!({"external_id": name("u"), "amount": 20});
    let customer_update = json!({"customer_id": name("c"), "meta_data": {"k": "v"}});
    vec![
        (refund(&name("r")), sale(&name("r"))),
        (call("/1.7/pb/con/u/", update), sale(&name("u"))),
        (call("/1.7/pb/cus/u/", customer_update), customer(&name("c"))),
    ]
}

/// Leads and sales, and what tells whose they are.
fn seekers(tag: &str) -> Vec<(Call, Call)> {
    let name = |kind: &str| format!("{kind}-{tag}");
    let rest = json!({"customer_id": name("rest"), "external_id": name("rest"), "amount": 5});
    let affitor = json!({"customer_key": name("aff"), "transaction_id": name("aff"), "amount_cents": 500,
                         "currency": "usd"});
    let registration = json!({"clickId": name("reg"), "email": "a@example.com"});
    let payment = |field: &str, of: String| {
        let mut body = json!({"clientId": 12345, "leadValue": 9, "customerEmail": "a@example.com"});
        body[field] = json!(of);
        call("/api/v1/tracking/lead/payment", body)
    };
    let session = format!("s-{}", name("ps"));
    vec![
        (call("/1.6/conversions/", rest), customer(&name("rest"))),
        (call("/api/v1/track/sale", affitor), customer(&name("aff"))),
        (
            call("/api/v1/tracking/registration", registration),
            click(&name("reg")),
        ),
        (payment("clickId", name("pc")), click(&name("pc"))),
        (payment("sessionId", session), click(&name("ps"))),
    ]
}

fn chains(tag: &str) -> Vec<(Call, Call)> {
    let mut chains = changes(tag);
    chains.extend(seekers(tag));
    chains
}

fn signal_all(world: &World, name: &str) {
    for worker in &world.workers {
        signal(name, worker.pid());
    }
}

/// The workers stand still until all have called: whatever comes first then, nobody is told that what was accepted is unknown.
async fn what_was_accepted_before_is_never_unknown(queue: Queue) {
    let world = World::of(queue).workers(2).start().await;
    let _busy = Busy::all_cores();
    signal_all(&world, "STOP");
    let chains: Vec<_> = (0..8).flat_map(|round| chains(&round.to_string())).collect();
    join_all(chains.iter().map(async |(_, parent)| {
        parent.send(&world, ASYNC).await.expect(202);
    }))
    .await;
    let children = join_all(
        chains
            .iter()
            .map(async |(child, _)| child.send(&world, "wait=10").await),
    );
    let (answers, ()) = tokio::join!(children, async { signal_all(&world, "CONT") });
    for (answer, (child, _)) in answers.iter().zip(&chains) {
        assert!(
            matches!(answer.status, 200 | 202) && !is_unknown(answer),
            "{child:?}: {answer:?}"
        );
    }
    world.drained(0).await;
    world
        .until("NOT EXISTS (SELECT FROM events WHERE status <> 'applied')")
        .await;
    let events = i64::try_from(2 * chains.len()).unwrap();
    assert_eq!(world.count("SELECT count(*) FROM events").await, events);
    world.finish().await;
}

async fn what_nobody_sent_is_unknown(queue: Queue) {
    let world = World::of(queue).workers(2).start().await;
    // On a busy machine a wait may end before it is known that nothing earlier is under way: then it is asked once more.
    join_all((0..chains("").len()).map(async |index| {
        let mut attempt = 0;
        wait_for("the dialect says that it is unknown", PATIENCE, async || {
            attempt += 1;
            let (child, _) = chains(&format!("never-{attempt}")).swap_remove(index);
            let answer = child.send(&world, "wait=1").await;
            assert!(
                answer.status == 202 || is_unknown(&answer),
                "{child:?}: {answer:?}"
            );
            is_unknown(&answer).then_some(())
        })
        .await;
    }))
    .await;
    let changes = "SELECT bool_and(wait_until > received_at + interval '900 ms' AND applied_at > received_at + interval '500 ms')
                   FROM events WHERE status = 'refused' AND kind IN ('refund', 'update_conversion', 'update_customer')";
    assert_eq!(
        world.sql(changes).await,
        "t",
        "what changes something is looked for to the end of the wait"
    );

    // Who knows a number has been told it after the commit, and codes are the operator's: nothing is waited for.
    let line = json!({"conversion_sub_amount": 50});
    let numbered = call("/1.6/conversions/4711/commissions/", line);
    numbered.send(&world, "wait=10").await.expect(404);
    let coupon = json!({"external_id": "o", "coupon": "NOBODY", "customer_id": "c-never", "amount": 1});
    call("/1.7/pb/con/c/", coupon)
        .send(&world, "wait=10")
        .await
        .expect(400);
    let at_once = "SELECT count(*) FROM events WHERE status = 'refused' AND waits_since IS NULL";
    assert_eq!(world.count(at_once).await, 2);

    // Nobody waits for these.
    join_all(seekers("later").iter().map(async |(child, _)| {
        let receipt = child.send(&world, ASYNC).await.expect(202);
        let settled = world.settled(receipt.header("location").unwrap()).await;
        assert_eq!(settled.text("/status"), "refused", "{child:?}: {settled:?}");
    }))
    .await;
    finish_with_parked(world).await;
}

async fn a_change_is_parked_until_what_it_changes_comes(queue: Queue) {
    let world = World::of(queue).workers(2).start().await;
    let changes = changes("early");
    let locations = join_all(changes.iter().map(async |(child, _)| {
        let receipt = child.send(&world, ASYNC).await.expect(202);
        let location = receipt.header("location").unwrap().to_owned();
        wait_until("it is parked", PATIENCE, async || {
            world.shop.get(&location).await.text("/status") == "parked"
        })
        .await;
        location
    }))
    .await;
    for (_, parent) in &changes {
        parent.send(&world, "wait=10").await.expect(200);
    }
    for (location, (child, _)) in locations.iter().zip(&changes) {
        let settled = world.settled(location).await;
        assert_eq!(settled.text("/status"), "applied", "{child:?}: {settled:?}");
    }
    world.finish().await;
}

/// Ends a test that may have left changes parked for what will never come.
async fn finish_with_parked(world: World) {
    world.drained(0).await;
    let parked = world
        .count("SELECT count(*) FROM events WHERE status = 'parked'")
        .await;
    let left = Leftovers {
        parked,
        ..Leftovers::default()
    };
    world.finish_with(left).await;
}

/// A worker that stands still holds sales that it was delivered: they are under way until the broker takes them back.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_dead_workers_lane_holds_is_under_way() {
    let mut world = World::of(Queue::Rabbit).workers(2).start().await;
    world.until_consumed_by(4).await;
    signal("STOP", world.workers[1].pid());
    let orders: Vec<String> = (0..40).map(|order| format!("o{order}")).collect();
    for order in &orders {
        // One after the other: each has an envelope of its own, and the broker deals them out.
        sale(order).send(&world, ASYNC).await.expect(202);
    }
    world.until("(SELECT count(*) FROM conversions) > 0").await;
    let refunded = async |order: &String| refund(order).send(&world, "wait=1").await.status;
    let statuses = join_all(orders.iter().map(refunded)).await;
    let receipts = statuses.iter().filter(|status| **status == 202).count();
    assert!(
        statuses.iter().all(|status| matches!(status, 200 | 202)),
        "{statuses:?}"
    );
    assert!(
        receipts > 0,
        "the other worker has its share of the sales: {statuses:?}"
    );
    let unknown = refund("never").send(&world, "wait=1").await;
    assert_eq!(unknown.status, 202, "it may be there: {unknown:?}");

    world.workers[1].kill9().await;
    world
        .until("(SELECT count(*) FROM conversions WHERE refunded = 10) = 40")
        .await;
    let mut attempt = 0;
    wait_for("what nobody sent is unknown again", PATIENCE, async || {
        attempt += 1;
        let answer = refund(&format!("never-{attempt}")).send(&world, "wait=1").await;
        (answer.status == 404).then_some(())
    })
    .await;
    finish_with_parked(world).await;
}

//! Every event takes effect exactly once, wherever the line is cut and whoever is killed.

use std::time::Duration;

use commissary_tests::{
    Queue, World, envelope,
    relay::{Mode, Relay},
    required, wait_until,
};
use common::domain::{AttributionFields, Body, CreateConversion};

on_both_queues!(
    the_same_envelope_twice,
    ingest_killed_before_the_answer,
    a_client_hangs_up
);

const ASYNC: (&str, &str) = ("Prefer", "respond-async");
/// Long enough that no answer comes of itself while a test does its work.
const PATIENT: (&str, &str) = ("Prefer", "wait=10");
const APPLIED: Duration = Duration::from_secs(30);

/// A relay before the shared broker, and the URL through it.
async fn relayed_broker() -> (Relay, String) {
    let url = required("AMQP_URL");
    let (credentials, rest) = url.rsplit_once('@').unwrap();
    let (address, vhost) = rest.split_once('/').unwrap();
    let relay = Relay::start(address).await;
    let relayed = format!("{credentials}@127.0.0.1:{}/{vhost}", relay.port());
    (relay, relayed)
}

async fn one_effect(world: &World, order: &str) {
    let statement = format!(
        "SELECT count(DISTINCT conversion_id), count(*), sum(t.amount) FROM conversions JOIN commissions USING (org_id, conversion_id)
         JOIN transfers t USING (org_id, commission_id) WHERE external_id = '{order}'"
    );
    assert_eq!(
        world.sql(&statement).await,
        "1|1|10.0000",
        "one sale, one commission, one transfer"
    );
}

async fn the_same_envelope_twice(queue: Queue) {
    let world = World::of(queue).workers(2).start().await;
    let sale = CreateConversion {
        external_id: Some("twice".to_owned()),
        attribution: AttributionFields {
            coupon: Some("PARTNER_CODE".to_owned()),
            ..AttributionFields::default()
        },
        amount: "100".parse().unwrap(),
        ..CreateConversion::default()
    };
    let event = world
        .events(vec![Body::CreateConversion(Box::new(sale))])
        .await
        .remove(0);
    let twice = envelope(&[event.clone(), event.clone()]);
    let (mut one, mut other) = (world.publisher().await, world.publisher().await);
    let messages = [twice.clone(), twice];
    tokio::join!(one.publish(&messages), other.publish(&messages));
    world.drained(0).await;
    world
        .until(&format!(
            "EXISTS (SELECT FROM events WHERE event_id = '{}' AND status = 'applied')",
            event.id
        ))
        .await;
    one_effect(&world, "twice").await;
    // And once more, when it is long known.
    one.publish(&messages).await;
    world.drained(0).await;
    one_effect(&world, "twice").await;
    assert_eq!(world.count("SELECT count(*) FROM events").await, 1);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn neither_confirm_nor_reply_reaches_the_ingest() {
    let (relay, url) = relayed_broker().await;
    let world = World::of(Queue::Rabbit).ingest_amqp(&url).start().await;
    // Each publisher has its channel by then.
    world.shop.track("before-1", 100).await.expect(200);
    world.shop.track("before-2", 100).await.expect(200);
    relay.set(Mode::HoldServer);
    // The outcome comes by way of the database.
    let answer = world.shop.track("held", 100).await.expect(200);
    assert!((answer.number("/data/commission_amount") - 10.0).abs() < f64::EPSILON);
    // By then the envelope has gone to the spool as well, or will: nobody confirmed it.
    relay.set(Mode::Pass);
    world.shop.track("held", 100).await.expect(409);
    world.drained(0).await;
    one_effect(&world, "held").await;
    world.finish().await;
}

/// A broker that falls silent before a publisher has opened its channel must cost no event.
#[tokio::test(flavor = "multi_thread")]
async fn the_broker_is_silent_from_the_first_event_on() {
    let (relay, url) = relayed_broker().await;
    let world = World::of(Queue::Rabbit).ingest_amqp(&url).start().await;
    relay.set(Mode::HoldServer);
    for order in ["first", "second"] {
        let answer = world.shop.track(order, 100).await;
        assert!(
            [200, 202].contains(&answer.status),
            "the database is there: {answer:?}"
        );
    }
    relay.set(Mode::Pass);
    world.until("(SELECT count(*) FROM conversions) = 2").await;
    one_effect(&world, "first").await;
    one_effect(&world, "second").await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_killed_between_commit_and_ack() {
    let (relay, url) = relayed_broker().await;
    let mut world = World::of(Queue::Rabbit).worker_amqp(&url).start().await;
    let mut lock = world.db.session();
    lock.run("BEGIN; LOCK TABLE transfers IN ACCESS EXCLUSIVE MODE")
        .await;
    world.shop.track_with("once", 100, &[ASYNC]).await.expect(202);
    world
        .until("EXISTS (SELECT FROM pg_locks WHERE NOT granted AND relation = 'transfers'::regclass)")
        .await;
    assert_eq!(world.at_broker().await, Some(0), "the message is at the worker");

    relay.set(Mode::BlackHole);
    lock.run("COMMIT").await;
    world
        .until("EXISTS (SELECT FROM conversions WHERE external_id = 'once')")
        .await;
    world.workers[0].kill9().await;
    relay.cut();
    world.until_queued(1).await;

    world.start_worker(None).await;
    world.drained(0).await;
    one_effect(&world, "once").await;
    world.finish().await;
}

/// What is durable but unanswered is there when the storefront tries again.
async fn ingest_killed_before_the_answer(queue: Queue) {
    let (relay, url) = relayed_broker().await;
    let mut world = World::of(queue).ingest_amqp(&url).workers(0).start().await;
    // Each publisher has its channel by then.
    world.shop.track_with("before-1", 100, &[ASYNC]).await.expect(202);
    world.shop.track_with("before-2", 100, &[ASYNC]).await.expect(202);
    relay.set(Mode::HoldServer);
    let shop = world.shop.clone();
    let call = tokio::spawn(async move { shop.try_track("killed", 100, &[PATIENT]).await });
    world.until_queued(3).await;
    world.ingest.kill9().await;
    // After a second without any outcome it would have given a receipt: on a slow machine it has.
    let answer = call.await.unwrap();
    assert!(
        answer.as_ref().map_or(true, |answer| answer.status == 202),
        "{answer:?}"
    );

    world.start_worker(None).await;
    world
        .until("EXISTS (SELECT FROM conversions WHERE external_id = 'killed')")
        .await;
    world.start_ingest(None).await;
    let again = world.shop.track("killed", 100).await.expect(409);
    assert_eq!(
        again.text("/data/event_id"),
        world
            .sql("SELECT event_id FROM conversions WHERE external_id = 'killed'")
            .await
    );
    assert!(again.text("/data/commission_id").starts_with("comm_"));
    one_effect(&world, "killed").await;
    world.finish().await;
}

async fn a_client_hangs_up(queue: Queue) {
    let mut world = World::of(queue).workers(0).start().await;
    let shop = world.shop.clone();
    let call = tokio::spawn(async move { shop.try_track("gone", 100, &[PATIENT]).await });
    world.until_queued(1).await;
    call.abort();
    assert!(call.await.unwrap_err().is_cancelled());

    world.start_worker(None).await;
    wait_until("the sale is recorded", APPLIED, async || {
        world.count("SELECT count(*) FROM conversions").await == 1
    })
    .await;
    world.shop.track("gone", 100).await.expect(409);
    one_effect(&world, "gone").await;
    world.finish().await;
}

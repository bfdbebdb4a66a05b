//! The broker dies, is not there, comes back: the ingest accepts all the same.

use std::time::Duration;

use commissary_tests::{Load, Queue, Sent, Servers, World, relay::Relay, required, wait_until};

const CLIENTS: usize = 8;
/// With eight clients 50 sales a second.
const PACE: Duration = Duration::from_millis(160);
/// The longest that any storefront waits for an answer while the broker dies. What the broker confirmed and took with it
/// has no outcome until it is back: its caller gets a receipt after the default wait of 3 s.
const LONGEST: Duration = Duration::from_secs(4);
const SOME: usize = 100;
const BACK: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread")]
async fn the_broker_is_killed_under_load() {
    let servers = Servers::new();
    let url = servers.run("rabbitmq-start").await;
    let mut world = World::of(Queue::Rabbit).on_rabbit(&url).workers(2).start().await;
    let load = Load::start(&world.shop, CLIENTS, PACE);
    load.accepted(SOME).await;
    servers.run("rabbitmq-kill").await;
    load.accepted(SOME).await;
    assert_eq!(world.at_broker().await, None, "the broker is away");

    assert_eq!(servers.run("rabbitmq-start").await, url);
    world.ingest.logged("broker connection up", 4).await;
    for worker in &mut world.workers {
        worker.logged("broker connection up", 4).await;
    }
    load.accepted(SOME).await;
    let sent = load.stop().await;
    assert!(
        sent.iter().all(Sent::is_accepted),
        "{:?}",
        sent.iter().find(|sent| !sent.is_accepted())
    );
    let slowest = sent.iter().max_by_key(|sent| sent.took).unwrap();
    assert!(slowest.took < LONGEST, "{slowest:?}");
    world.drained(0).await;
    world.recorded(&sent).await;
    // The events of after the return went by the broker again.
    at_broker_again(&mut world).await;
    world.finish().await;
    drop(servers);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_broker_comes_after_the_ingest() {
    let url = required("AMQP_URL");
    let (credentials, rest) = url.rsplit_once('@').unwrap();
    let (address, vhost) = rest.split_once('/').unwrap();
    // A port on which nothing listens, until the relay comes back to it.
    let port = Relay::start(address).await.port();
    let away = format!("{credentials}@127.0.0.1:{port}/{vhost}");
    let world = World::of(Queue::Rabbit)
        .ingest_amqp(&away)
        .worker_amqp(&away)
        .broker_is_away();
    let mut world = world.start().await;
    world.shop.track("without", 100).await.expect(200);

    let _relay = Relay::start_on(address, port).await;
    world.ingest.logged("broker connection up", 2).await;
    world.workers[0].logged("broker connection up", 2).await;
    world.shop.track("with", 100).await.expect(200);
    at_broker_again(&mut world).await;
    world.finish().await;
}

/// Without a worker, what is accepted now waits at the broker and not in the spool.
async fn at_broker_again(world: &mut World) {
    for worker in &mut world.workers {
        worker.terminate().await;
    }
    world.drained(0).await;
    let mut sent = 0;
    wait_until("a sale goes by the broker", BACK, async || {
        sent += 1;
        let order = format!("by-broker-{sent}");
        world
            .shop
            .track_with(&order, 100, &[("Prefer", "respond-async")])
            .await
            .expect(202);
        world.at_broker().await.is_some_and(|waiting| waiting > 0)
    })
    .await;
    world.start_worker(None).await;
    world
        .until(&format!(
            "(SELECT count(*) FROM conversions WHERE external_id LIKE 'by-broker-%') = {sent}"
        ))
        .await;
}

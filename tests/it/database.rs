//! The database dies: the ingest accepts while the broker is there, and says 503 when neither is.

use std::time::Duration;

use commissary_tests::{Queue, Servers, World, relay::Relay, required, wait_until};
use futures_util::future::join_all;

const ANSWER: Duration = Duration::from_secs(15);

#[tokio::test(flavor = "multi_thread")]
async fn postgres_is_killed_and_then_the_broker_too() {
    // Without --fast: a commit must be written when it is answered, or killing the server would lose it.
    let servers = Servers::new();
    let postgres = servers.run("postgres-start").await;
    let url = required("AMQP_URL");
    let (credentials, rest) = url.rsplit_once('@').unwrap();
    let (address, vhost) = rest.split_once('/').unwrap();
    let relay = Relay::start(address).await;
    let port = relay.port();
    let relayed = format!("{credentials}@127.0.0.1:{port}/{vhost}");
    let world = World::of(Queue::Rabbit)
        .on_postgres(&postgres)
        .ingest_amqp(&relayed)
        .worker_amqp(&relayed);
    let mut world = world.start().await;
    world.shop.track("before", 100).await.expect(200);

    servers.run("postgres-kill").await;
    let orders: Vec<_> = (0..20).map(|number| format!("dark-{number}")).collect();
    for answer in join_all(orders.iter().map(|order| world.shop.track(order, 100))).await {
        let answer = answer.expect(202);
        assert_eq!(answer.text("/status"), "accepted");
    }
    drop(relay);
    for answer in join_all((0..8).map(|number| refused(&world, number))).await {
        let seconds: u64 = answer.parse().unwrap();
        assert!((1..=60).contains(&seconds), "Retry-After: {seconds}");
    }

    assert_eq!(servers.run("postgres-start").await, postgres);
    let _relay = Relay::start_on(address, port).await;
    world
        .until("(SELECT count(*) FROM conversions WHERE external_id LIKE 'dark-%') = 20")
        .await;
    world.until("NOT EXISTS (SELECT FROM spool)").await;
    wait_until("outcomes are answered again", ANSWER, async || {
        let order = format!("after-{}", world.count("SELECT count(*) FROM events").await);
        world.shop.track(&order, 100).await.status == 200
    })
    .await;
    world.ingest.logged("broker connection up", 4).await;
    world.workers[0].logged("broker connection up", 4).await;
    world.finish().await;
    drop(servers);
}

/// A sale while neither store is there: the `Retry-After` of its 503.
async fn refused(world: &World, number: usize) -> String {
    let order = format!("nowhere-{number}");
    let answer = tokio::time::timeout(ANSWER, world.shop.track(&order, 100)).await;
    let answer = answer.unwrap().expect(503);
    answer.header("retry-after").unwrap().to_owned()
}

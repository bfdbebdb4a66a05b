//! Links through outages.

use std::time::Duration;

use common::queue::amqp::{LinkState, Subscription};
use tokio::net::TcpListener;
use tokio::time::{Instant, timeout};

use crate::relay::{Mode, Relay};
use crate::{PATIENCE, World, broker_address, broker_at, until, up};

async fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

#[tokio::test]
async fn a_broker_that_is_down_at_start_is_found_when_it_comes() {
    let world = World::new();
    let port = free_port().await;
    let link = world.link_through(port, "publish");
    until(
        &link,
        |state| matches!(state, LinkState::Down(reason) if reason.contains("refused")),
        PATIENCE,
    )
    .await;
    let _relay = Relay::start_on(&broker_address(), port).await;
    assert_eq!(up(&link).await.number(), 1);
}

#[tokio::test]
async fn a_black_hole_is_noticed_by_the_heartbeat_within_25_seconds() {
    let world = World::new();
    let relay = Relay::start(&broker_address()).await;
    let link = world.link_through(relay.port(), "consume");
    let generation = up(&link).await;
    let mut subscription = Subscription::open(&generation, &world.topology.events(), 1, "worker")
        .await
        .unwrap();
    relay.set(Mode::BlackHole);
    let start = Instant::now();
    assert!(subscription.next().await.is_none());
    assert!(
        start.elapsed() <= Duration::from_secs(26),
        "noticed after {:?}",
        start.elapsed()
    );
    assert!(
        generation.ended().await.contains("heartbeat"),
        "{}",
        generation.ended().await
    );
    until(&link, |state| matches!(state, LinkState::Down(_)), PATIENCE).await;
    relay.set(Mode::Pass);
    assert!(up(&link).await.number() > generation.number());
}

/// A broker that accepts the connection and says nothing must not hold an attempt for ever.
#[tokio::test]
async fn a_silent_handshake_times_out() {
    let world = World::new();
    let relay = Relay::start(&broker_address()).await;
    relay.set(Mode::BlackHole);
    let link = world.link_through(relay.port(), "publish");
    let took = until(&link, |state| matches!(state, LinkState::Down(_)), PATIENCE).await;
    assert!(took < Duration::from_secs(8), "{took:?}");
    relay.set(Mode::Pass);
    relay.cut();
    up(&link).await;
}

#[tokio::test]
async fn ten_cuts_leave_no_stuck_generation() {
    let world = World::new();
    let relay = Relay::start(&broker_address()).await;
    let link = world.link_through(relay.port(), "consume");
    let mut last = 0;
    for _ in 0..10 {
        let generation = up(&link).await;
        assert!(generation.number() > last);
        last = generation.number();
        relay.cut();
        let why = timeout(PATIENCE, generation.ended())
            .await
            .expect("the cut is noticed");
        assert!(!why.is_empty());
    }
    up(&link).await;
    assert!(relay.accepted() >= 11);
}

#[tokio::test]
async fn stopping_closes_the_connection_and_ends_the_link() {
    let world = World::new();
    let link = world.link("publish");
    let generation = up(&link).await;
    world.stop.cancel();
    timeout(Duration::from_secs(4), link.stopped())
        .await
        .expect("stopped in time");
    assert!(generation.is_over());
    assert!(link.up().await.is_none());
    assert!(matches!(&*link.state().borrow(), LinkState::Down(reason) if reason == "stopped"));
}

#[tokio::test]
async fn stopping_a_silent_link_does_not_hang() {
    let world = World::new();
    let relay = Relay::start(&broker_address()).await;
    let link = world.link_through(relay.port(), "publish");
    up(&link).await;
    relay.set(Mode::BlackHole);
    world.stop.cancel();
    timeout(Duration::from_secs(4), link.stopped())
        .await
        .expect("stopped in time");
}

#[tokio::test]
async fn a_wrong_password_is_a_reason_not_a_leak() {
    let world = World::new();
    let (host, port) = {
        let address = broker_address();
        let (host, port) = address.rsplit_once(':').unwrap();
        (host.to_owned(), port.parse::<u16>().unwrap())
    };
    let plain = broker_at(&host, port);
    let rest = plain
        .split_once('@')
        .map_or_else(|| plain.split_once("://").unwrap().1, |(_, rest)| rest);
    let link = world.link_to(format!("amqp://nobody:s3cret@{rest}").parse().unwrap(), "publish");
    until(&link, |state| matches!(state, LinkState::Down(_)), PATIENCE).await;
    let LinkState::Down(reason) = link.state().borrow().clone() else {
        panic!("not down")
    };
    assert!(reason.contains("ACCESS_REFUSED"), "{reason}");
    assert!(!reason.contains("s3cret"), "{reason}");
}

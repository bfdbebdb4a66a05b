//! Connections through outages.

use std::time::Duration;

use common::queue::amqp::{ConnectionState, Subscription};
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
    let manager = world.manager_through(port, "publish");
    until(
        &manager,
        |state| matches!(state, ConnectionState::Down(reason) if reason.contains("refused")),
        PATIENCE,
    )
    .await;
    let _relay = Relay::start_on(&broker_address(), port).await;
    assert_eq!(up(&manager).await.number(), 1);
}

#[tokio::test]
async fn a_black_hole_is_noticed_by_the_heartbeat_within_25_seconds() {
    let world = World::new();
    let relay = Relay::start(&broker_address()).await;
    let manager = world.manager_through(relay.port(), "consume");
    let connection = up(&manager).await;
    let mut subscription = Subscription::open(&connection, &world.topology.events(), 1, "worker")
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
        connection.ended().await.contains("heartbeat"),
        "{}",
        connection.ended().await
    );
    until(
        &manager,
        |state| matches!(state, ConnectionState::Down(_)),
        PATIENCE,
    )
    .await;
    relay.set(Mode::Pass);
    assert!(up(&manager).await.number() > connection.number());
}

/// A broker that accepts the connection and says nothing must not hold an attempt for ever.
#[tokio::test]
async fn a_silent_handshake_times_out() {
    let world = World::new();
    let relay = Relay::start(&broker_address()).await;
    relay.set(Mode::BlackHole);
    let manager = world.manager_through(relay.port(), "publish");
    let took = until(
        &manager,
        |state| matches!(state, ConnectionState::Down(_)),
        PATIENCE,
    )
    .await;
    assert!(took < Duration::from_secs(8), "{took:?}");
    relay.set(Mode::Pass);
    relay.cut();
    up(&manager).await;
}

#[tokio::test]
async fn ten_cuts_leave_no_stuck_connection() {
    let world = World::new();
    let relay = Relay::start(&broker_address()).await;
    let manager = world.manager_through(relay.port(), "consume");
    let mut last = 0;
    for _ in 0..10 {
        let connection = up(&manager).await;
        assert!(connection.number() > last);
        last = connection.number();
        relay.cut();
        let why = timeout(PATIENCE, connection.ended())
            .await
            .expect("the cut is noticed");
        assert!(!why.is_empty());
    }
    up(&manager).await;
    assert!(relay.accepted() >= 11);
}

#[tokio::test]
async fn stopping_closes_the_connection_and_ends_the_manager() {
    let world = World::new();
    let manager = world.manager("publish");
    let connection = up(&manager).await;
    world.tasks.stop().cancel();
    timeout(Duration::from_secs(4), manager.stopped())
        .await
        .expect("stopped in time");
    assert!(connection.is_over());
    assert!(manager.up().await.is_none());
    assert!(matches!(&*manager.state().borrow(), ConnectionState::Down(reason) if reason == "stopped"));
}

#[tokio::test]
async fn stopping_a_silent_connection_does_not_hang() {
    let world = World::new();
    let relay = Relay::start(&broker_address()).await;
    let manager = world.manager_through(relay.port(), "publish");
    up(&manager).await;
    relay.set(Mode::BlackHole);
    world.tasks.stop().cancel();
    timeout(Duration::from_secs(4), manager.stopped())
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
    let manager = world.manager_to(format!("amqp://nobody:s3cret@{rest}").parse().unwrap(), "publish");
    until(
        &manager,
        |state| matches!(state, ConnectionState::Down(_)),
        PATIENCE,
    )
    .await;
    let ConnectionState::Down(reason) = manager.state().borrow().clone() else {
        panic!("not down")
    };
    assert!(reason.contains("ACCESS_REFUSED"), "{reason}");
    assert!(!reason.contains("s3cret"), "{reason}");
}

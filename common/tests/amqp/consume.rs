//! Deliveries, acks, and what comes back.

use std::collections::HashSet;
use std::time::Duration;

use common::queue::amqp::{ConfirmChannel, QueueDepth, QueueProbe, Subscription};
use tokio::time::timeout;

use crate::relay::Relay;
use crate::{PATIENCE, World, broker_address, publish, up};

/// Long enough for a delivery that should not come to come.
const QUIET: Duration = Duration::from_millis(500);

async fn take(subscription: &mut Subscription) -> common::queue::amqp::Delivery {
    timeout(PATIENCE, subscription.next())
        .await
        .expect("a delivery")
        .expect("a living connection")
}

#[tokio::test]
async fn what_is_acked_is_gone_and_the_rest_comes_again_counted() {
    let world = World::new();
    let queue = world.topology.events();
    let manager = world.manager("consume");
    let connection = up(&manager).await;
    let mut publisher = ConfirmChannel::open(&connection).await.unwrap();
    for id in ["a", "b", "c", "d"] {
        publish(&mut publisher, &queue, id).await;
    }
    let mut subscription = Subscription::open(&connection, &queue, 10, "first")
        .await
        .unwrap();
    let mut deliveries = Vec::new();
    for _ in 0..4 {
        deliveries.push(take(&mut subscription).await);
    }
    assert!(deliveries.iter().all(|d| d.delivery_count == 0 && !d.redelivered));
    assert!(subscription.ready().is_none(), "nothing more");
    assert!(subscription.ack_through(deliveries[1].tag).await.unwrap());
    assert!(subscription.ack(deliveries[3].tag).await.unwrap());
    subscription.close().await.unwrap();

    let mut subscription = Subscription::open(&connection, &queue, 10, "second")
        .await
        .unwrap();
    let again = take(&mut subscription).await;
    assert_eq!(again.payload, b"c");
    assert_eq!(again.delivery_count, 1);
    assert!(again.redelivered);
    assert!(subscription.requeue(again.tag).await.unwrap());
    let third = take(&mut subscription).await;
    assert_eq!(third.payload, b"c");
    assert!(subscription.ack(third.tag).await.unwrap());
    assert!(
        timeout(QUIET, subscription.next()).await.is_err(),
        "the queue is empty"
    );
}

#[tokio::test]
async fn a_dropped_subscription_gives_its_messages_back_on_the_same_connection() {
    let world = World::new();
    let queue = world.topology.events();
    let manager = world.manager("consume");
    let connection = up(&manager).await;
    let mut publisher = ConfirmChannel::open(&connection).await.unwrap();
    publish(&mut publisher, &queue, "a").await;
    for round in 0..10 {
        let mut subscription = Subscription::open(&connection, &queue, 1, "worker")
            .await
            .unwrap();
        assert_eq!(take(&mut subscription).await.delivery_count, round);
    }
    assert!(!connection.is_over(), "dropping a consumer harms nobody");
}

#[tokio::test]
async fn next_may_be_cancelled_at_any_time() {
    let world = World::new();
    let queue = world.topology.events();
    let manager = world.manager("consume");
    let connection = up(&manager).await;
    let mut publisher = ConfirmChannel::open(&connection).await.unwrap();
    let mut subscription = Subscription::open(&connection, &queue, 500, "worker")
        .await
        .unwrap();
    let pending: Vec<_> = (0..300)
        .map(|n| {
            publisher
                .publish(&queue, &n.to_string(), n.to_string().into_bytes())
                .unwrap()
        })
        .collect();
    let mut seen = HashSet::new();
    let reading = async {
        while seen.len() < 300 {
            // Gives up after a single poll, over and over.
            if let Some(delivery) = subscription.ready() {
                assert!(seen.insert(delivery.payload), "no message twice");
            } else if let Ok(Some(delivery)) = timeout(Duration::from_micros(50), subscription.next()).await {
                assert!(seen.insert(delivery.payload), "no message twice");
            }
        }
    };
    timeout(PATIENCE, reading).await.expect("no message lost");
    drop(pending);
}

#[tokio::test]
async fn after_a_cut_old_tags_settle_nothing_and_the_prefetch_holds() {
    let world = World::new();
    let queue = world.topology.events();
    let relay = Relay::start(&broker_address()).await;
    let publishing = world.manager("publish");
    let mut publisher = ConfirmChannel::open(&up(&publishing).await).await.unwrap();
    for n in 0..20 {
        publish(&mut publisher, &queue, &format!("m{n}")).await;
    }
    let manager = world.manager_through(relay.port(), "consume");
    let connection = up(&manager).await;
    let mut old = Subscription::open(&connection, &queue, 3, "old").await.unwrap();
    let first = take(&mut old).await;
    let second = take(&mut old).await;
    relay.cut();
    assert!(
        timeout(PATIENCE, async { while old.next().await.is_some() {} })
            .await
            .is_ok(),
        "the stream ends"
    );
    assert!(
        !old.ack_through(second.tag).await.unwrap_or(false),
        "an ack after the cut is no ack"
    );

    let next = up(&manager).await;
    assert!(next.number() > connection.number());
    let mut new = Subscription::open(&next, &queue, 3, "new").await.unwrap();
    assert!(
        !new.ack_through(second.tag).await.unwrap(),
        "a tag of another subscription settles nothing"
    );
    assert!(!new.ack(first.tag).await.unwrap());
    let mut held = Vec::new();
    while let Ok(delivery) = timeout(QUIET, new.next()).await {
        held.push(delivery.expect("a living connection"));
    }
    assert_eq!(held.len(), 3, "no more than the prefetch");
    let mut payloads = HashSet::new();
    while payloads.len() < 20 {
        let delivery = match held.pop() {
            Some(delivery) => delivery,
            None => take(&mut new).await,
        };
        assert!(new.ack(delivery.tag).await.unwrap());
        payloads.insert(delivery.payload);
    }
}

#[tokio::test]
async fn an_ack_the_broker_refuses_ends_the_connection() {
    let world = World::new();
    let queue = world.topology.events();
    let manager = world.manager("consume");
    let connection = up(&manager).await;
    let mut publisher = ConfirmChannel::open(&connection).await.unwrap();
    publish(&mut publisher, &queue, "a").await;
    let mut subscription = Subscription::open(&connection, &queue, 1, "worker")
        .await
        .unwrap();
    let delivery = take(&mut subscription).await;
    assert!(subscription.ack(delivery.tag).await.unwrap());
    // The second is a protocol error: the broker closes the channel (406).
    subscription.ack(delivery.tag).await.ok();
    let end = timeout(PATIENCE, subscription.next())
        .await
        .expect("no silent consumer");
    assert!(end.is_none());
    assert!(
        connection.ended().await.contains("PRECONDITION_FAILED"),
        "{}",
        connection.ended().await
    );
    assert!(up(&manager).await.number() > connection.number());
}

#[tokio::test]
async fn a_queue_deleted_under_its_consumer_ends_the_connection() {
    let world = World::new();
    let manager = world.manager("consume");
    let connection = up(&manager).await;
    let queue = world.topology.events();
    let mut subscription = Subscription::open(&connection, &queue, 1, "worker")
        .await
        .unwrap();
    crate::topology::delete_queue(&queue).await;
    let end = timeout(PATIENCE, subscription.next())
        .await
        .expect("no silent consumer");
    assert!(end.is_none());
    let next = up(&manager).await;
    assert!(
        Subscription::open(&next, &queue, 1, "worker").await.is_ok(),
        "declared anew"
    );
}

/// What barriers stand on: when the queue has nothing ready, everything is at its consumers, and each has its own after a sync.
#[tokio::test]
async fn after_a_sync_all_that_was_delivered_is_here() {
    const MESSAGES: usize = 24;
    const ROUNDS: usize = 20;
    let world = World::new();
    let queue = world.topology.events();
    let (publishing, consuming) = (world.manager("publish"), world.manager("consume"));
    let (publish_on, consume_on) = (up(&publishing).await, up(&consuming).await);
    let mut publisher = ConfirmChannel::open(&publish_on).await.unwrap();
    let probe = QueueProbe::open(&publish_on).await.unwrap();
    let empty = |consumers| QueueDepth {
        messages: 0,
        consumers,
    };
    assert_eq!(probe.depth(&queue).await.unwrap(), empty(0));
    let mut subscriptions = Vec::new();
    for tag in ["one", "two"] {
        let connection = if tag == "one" { &publish_on } else { &consume_on };
        subscriptions.push(Subscription::open(connection, &queue, 32, tag).await.unwrap());
    }
    for round in 0..ROUNDS {
        for id in 0..MESSAGES {
            publish(&mut publisher, &queue, &format!("{round}-{id}")).await;
        }
        assert_eq!(
            probe.depth(&queue).await.unwrap(),
            empty(2),
            "there is room for all"
        );
        let mut here = 0;
        for subscription in &mut subscriptions {
            subscription.sync().await.unwrap();
            while let Some(delivery) = subscription.ready() {
                here += 1;
                assert!(subscription.ack(delivery.tag).await.unwrap());
            }
        }
        assert_eq!(here, MESSAGES);
    }
    assert!(probe.depth("no-such-queue").await.is_err());
}

//! Replies reach the instance that asked, and harm nobody when it is gone.

use common::queue::amqp::{ReplyChannel, ReplyQueue};
use tokio::time::timeout;

use crate::{PATIENCE, World, up};

#[tokio::test]
async fn each_instance_gets_its_own_replies() {
    let world = World::new();
    let connection = up(&world.manager("consume")).await;
    let mut here = ReplyQueue::open(&connection).await.unwrap();
    let mut there = ReplyQueue::open(&connection).await.unwrap();
    assert_ne!(here.name(), there.name());
    let mut publisher = ReplyChannel::open(&up(&world.manager("publish")).await)
        .await
        .unwrap();
    assert!(publisher.send(here.name(), b"for here").await.unwrap());
    assert!(publisher.send(there.name(), b"for there").await.unwrap());
    assert_eq!(
        timeout(PATIENCE, here.next()).await.unwrap().unwrap(),
        b"for here"
    );
    assert_eq!(
        timeout(PATIENCE, there.next()).await.unwrap().unwrap(),
        b"for there"
    );
}

#[tokio::test]
async fn a_reply_to_an_instance_that_is_gone_harms_nobody() {
    let world = World::new();
    let consuming = up(&world.manager("consume")).await;
    let name = ReplyQueue::open(&consuming).await.unwrap().name().to_owned();
    let connection = up(&world.manager("publish")).await;
    let mut publisher = ReplyChannel::open(&connection).await.unwrap();
    for _ in 0..100 {
        publisher.send(&name, b"too late").await.unwrap();
    }
    let mut here = ReplyQueue::open(&consuming).await.unwrap();
    assert!(publisher.send(here.name(), b"in time").await.unwrap());
    assert_eq!(timeout(PATIENCE, here.next()).await.unwrap().unwrap(), b"in time");
    assert!(!connection.is_over());

    connection.fail("the test ends it");
    assert!(!publisher.send(here.name(), b"never").await.unwrap());
}

//! Declaring, and what the doctor sees.

use std::time::Duration;

use common::queue::amqp::{ConfirmChannel, ConnectionState, Subscription, Topology, inspect};
use lapin::options::{QueueDeclareOptions, QueueDeleteOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{Connection, ConnectionProperties};
use tokio::time::timeout;
use uuid::Uuid;

use crate::{EXPIRES, PATIENCE, World, broker, publish, until, up};

async fn side_door() -> Connection {
    Connection::connect(&broker(), ConnectionProperties::default())
        .await
        .unwrap()
}

/// As an operator would.
pub(crate) async fn delete_queue(name: &str) {
    let connection = side_door().await;
    let channel = connection.create_channel().await.unwrap();
    channel
        .queue_delete(name.into(), QueueDeleteOptions::default())
        .await
        .unwrap();
    connection.close(200, "done".into()).await.unwrap();
}

#[tokio::test]
async fn a_queue_with_other_settings_is_named_with_what_to_do() {
    let world = World::new();
    let name = world.topology.events();
    let connection = side_door().await;
    let channel = connection.create_channel().await.unwrap();
    let mut arguments = FieldTable::default();
    arguments.insert("x-expires".into(), AMQPValue::LongInt(60_000));
    channel
        .queue_declare(
            name.clone().into(),
            QueueDeclareOptions {
                durable: true,
                ..Default::default()
            },
            arguments,
        )
        .await
        .unwrap();

    let manager = world.manager("publish");
    let differs =
        |state: &ConnectionState| matches!(state, ConnectionState::Down(reason) if reason.contains(&name));
    until(&manager, differs, PATIENCE).await;
    let ConnectionState::Down(reason) = manager.state().borrow().clone() else {
        panic!("not down")
    };
    assert!(
        reason.contains("drain and delete it, or choose another prefix"),
        "{reason}"
    );
    assert!(reason.contains("inequivalent arg"), "{reason}");

    delete_queue(&name).await;
    up(&manager).await;
}

#[tokio::test]
async fn the_doctor_sees_version_depth_and_consumers_and_declares_nothing() {
    let world = World::new();
    let nowhere = Topology::new(&format!("test-{}", Uuid::from_u128(rand::random())));
    for _ in 0..2 {
        let report = inspect(&world.url, &nowhere).await.unwrap();
        assert!(report.version.starts_with("RabbitMQ "), "{}", report.version);
        assert!(
            report.queues.iter().all(|queue| queue.depth.is_none()),
            "{report:?}"
        );
    }
    let manager = world.manager("consume");
    let connection = up(&manager).await;
    let _subscription = Subscription::open(&connection, &world.topology.undeliverable(), 1, "worker")
        .await
        .unwrap();
    let mut publisher = ConfirmChannel::open(&connection).await.unwrap();
    publish(&mut publisher, &world.topology.events(), "a").await;
    let report = inspect(&world.url, &world.topology).await.unwrap();
    let seen: Vec<_> = report
        .queues
        .iter()
        .map(|queue| {
            queue
                .depth
                .map(|depth| (queue.name.clone(), depth.messages, depth.consumers))
                .unwrap()
        })
        .collect();
    assert_eq!(
        seen,
        [
            (world.topology.events(), 1, 0),
            (world.topology.bulk(), 0, 0),
            (world.topology.undeliverable(), 0, 1)
        ]
    );
}

/// The whole way of a poison message: the limit, the dead exchange, the other queue.
#[tokio::test]
async fn after_twenty_deliveries_a_message_is_undeliverable() {
    let world = World::new();
    let manager = world.manager("consume");
    let connection = up(&manager).await;
    let mut publisher = ConfirmChannel::open(&connection).await.unwrap();
    publish(&mut publisher, &world.topology.events(), "poison").await;
    let mut drain = Subscription::open(&connection, &world.topology.undeliverable(), 1, "drain")
        .await
        .unwrap();
    let crashing = async {
        loop {
            // Each closes its channel with the message unsettled, as a crashing worker does.
            let mut worker = Subscription::open(&connection, &world.topology.events(), 1, "worker")
                .await
                .unwrap();
            if timeout(Duration::from_secs(2), worker.next()).await.is_err() {
                break;
            }
        }
        std::future::pending::<()>().await;
    };
    let dead = tokio::select! {
        () = crashing => unreachable!(),
        dead = timeout(EXPIRES / 2, drain.next()) => dead.unwrap().unwrap(),
    };
    assert_eq!(dead.payload, b"poison");
    assert!(drain.ack(dead.tag).await.unwrap());
}

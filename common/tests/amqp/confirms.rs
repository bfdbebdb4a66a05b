//! Every message ends as what really became of it.

use common::queue::amqp::{Confirm, ConfirmChannel};
use futures_util::future::join_all;

use crate::relay::{Mode, Relay};
use crate::{World, broker_address, publish, up};

#[tokio::test]
async fn a_message_for_a_queue_is_acked() {
    let world = World::new();
    let manager = world.manager("publish");
    let mut channel = ConfirmChannel::open(&up(&manager).await).await.unwrap();
    assert_eq!(
        publish(&mut channel, &world.topology.events(), "a").await,
        Confirm::Acked
    );
    let many: Vec<_> = (0..1000)
        .map(|n| {
            channel
                .publish(&world.topology.events(), &format!("m{n}"), vec![0; 100])
                .unwrap()
        })
        .collect();
    drop(channel);
    assert!(
        join_all(many)
            .await
            .iter()
            .all(|confirm| *confirm == Confirm::Acked),
        "also after the owner left"
    );
}

#[tokio::test]
async fn a_message_without_a_queue_is_returned_and_the_next_connection_declares_the_queue() {
    let world = World::new();
    let manager = world.manager("publish");
    let connection = up(&manager).await;
    let mut channel = ConfirmChannel::open(&connection).await.unwrap();
    assert_eq!(
        publish(&mut channel, &format!("{}-gone", world.topology.events()), "a").await,
        Confirm::Returned
    );
    assert!(connection.is_over(), "a missing queue ends the connection");
    assert!(
        channel
            .publish(&world.topology.events(), "b", Vec::new())
            .is_err()
    );
    let next = up(&manager).await;
    assert!(next.number() > connection.number());
    let mut channel = ConfirmChannel::open(&next).await.unwrap();
    assert_eq!(
        publish(&mut channel, &world.topology.events(), "b").await,
        Confirm::Acked
    );
}

/// lapin attaches a return to whichever confirm comes next. The exact interleavings are unit tests beside the code.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_many_in_flight_an_unroutable_message_is_never_acked() {
    const ROUNDS: usize = 8;
    let world = World::new();
    let manager = world.manager("publish");
    let (mut returned, mut acked) = (0, 0);
    for round in 0..ROUNDS {
        let mut channel = ConfirmChannel::open(&up(&manager).await).await.unwrap();
        assert_eq!(
            publish(&mut channel, &world.topology.events(), "first").await,
            Confirm::Acked
        );
        let mut pending = Vec::new();
        for n in 0..200 {
            let unroutable = n > 100 && (n + round) % 7 == 0;
            let queue = if unroutable {
                "no-such-queue".to_owned()
            } else {
                world.topology.events()
            };
            // The connection ends at the first return, maybe before we are through.
            if let Ok(confirm) = channel.publish(&queue, &format!("{round}-{n}"), vec![0; 10]) {
                pending.push((unroutable, confirm));
            }
        }
        for (unroutable, confirm) in pending {
            match confirm.await {
                Confirm::Acked => {
                    assert!(!unroutable, "round {round}: a returned message counted as acked");
                    acked += 1;
                }
                Confirm::Returned => returned += 1,
                Confirm::Nacked | Confirm::Lost => {}
            }
        }
    }
    assert!(
        returned >= ROUNDS,
        "every round has returns: {returned}, acked {acked}"
    );
}

#[tokio::test]
async fn a_cut_between_publish_and_confirm_is_lost_and_the_manager_comes_back() {
    let world = World::new();
    let relay = Relay::start(&broker_address()).await;
    let manager = world.manager_through(relay.port(), "publish");
    let connection = up(&manager).await;
    let mut channel = ConfirmChannel::open(&connection).await.unwrap();
    assert_eq!(
        publish(&mut channel, &world.topology.events(), "before").await,
        Confirm::Acked
    );

    relay.set(Mode::HoldServer);
    let pending: Vec<_> = (0..10)
        .map(|n| {
            channel
                .publish(&world.topology.events(), &format!("held{n}"), vec![1])
                .unwrap()
        })
        .collect();
    relay.cut();
    relay.set(Mode::Pass);
    assert_eq!(join_all(pending).await, vec![Confirm::Lost; 10]);

    let start = std::time::Instant::now();
    let next = up(&manager).await;
    assert!(start.elapsed().as_secs() < 5, "back after {:?}", start.elapsed());
    assert!(next.number() > connection.number());
    let mut channel = ConfirmChannel::open(&next).await.unwrap();
    assert_eq!(
        publish(&mut channel, &world.topology.events(), "after").await,
        Confirm::Acked
    );
}

#[tokio::test]
async fn failing_a_connection_answers_what_is_in_flight_at_once() {
    let world = World::new();
    let relay = Relay::start(&broker_address()).await;
    let manager = world.manager_through(relay.port(), "publish");
    let connection = up(&manager).await;
    let mut channel = ConfirmChannel::open(&connection).await.unwrap();
    relay.set(Mode::BlackHole);
    let pending = channel
        .publish(&world.topology.events(), "stalled", vec![1])
        .unwrap();
    let start = std::time::Instant::now();
    connection.fail("no confirm for too long");
    assert_eq!(pending.await, Confirm::Lost);
    assert!(start.elapsed().as_millis() < 500, "{:?}", start.elapsed());
    relay.set(Mode::Pass);
    assert!(up(&manager).await.number() > connection.number());
}

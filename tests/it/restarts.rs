//! Processes are replaced under load: nothing that was answered 2xx is lost.

use std::time::Duration;

use commissary_tests::{Load, Queue, World};

on_both_queues!(a_worker_is_replaced, an_ingest_is_replaced, a_worker_crashes);

const CLIENTS: usize = 8;
const PACE: Duration = Duration::from_millis(50);
/// Answers before and after whatever happens.
const SOME: usize = 60;

async fn a_worker_is_replaced(queue: Queue) {
    let mut world = World::of(queue).workers(2).start().await;
    let load = Load::start(&world.shop, CLIENTS, PACE);
    load.accepted(SOME).await;
    world.workers[0].terminate().await;
    load.accepted(SOME).await;
    world.start_worker(None).await;
    load.accepted(SOME).await;
    let sent = load.stop().await;
    assert!(
        sent.iter().all(commissary_tests::Sent::is_accepted),
        "one worker was always there"
    );
    world.drained(0).await;
    world.recorded(&sent).await;
    world.finish().await;
}

async fn an_ingest_is_replaced(queue: Queue) {
    let mut world = World::of(queue).start().await;
    let load = Load::start(&world.shop, CLIENTS, PACE);
    load.accepted(SOME).await;
    world.ingest.terminate().await;
    let mut sent = load.stop().await;
    world.start_ingest(None).await;
    let load = Load::start(&world.shop, CLIENTS, PACE);
    load.accepted(SOME).await;
    sent.extend(load.stop().await);
    world.drained(0).await;
    world.recorded(&sent).await;
    world.finish().await;
}

async fn a_worker_crashes(queue: Queue) {
    let mut world = World::of(queue).workers(2).start().await;
    let load = Load::start(&world.shop, CLIENTS, PACE);
    load.accepted(SOME).await;
    world.workers[0].kill9().await;
    load.accepted(SOME).await;
    let sent = load.stop().await;
    world.drained(0).await;
    world.recorded(&sent).await;
    world.finish().await;
}

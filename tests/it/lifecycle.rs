//! How a process ends: the first signal lets it finish, the second does not.

use commissary_tests::{Queue, World, signal, wait_until};
use std::time::Duration;

on_both_queues!(a_second_signal_ends_at_once_and_loses_nothing);

/// A batch reaches its locks by then.
const BLOCKED: Duration = Duration::from_secs(30);

async fn a_second_signal_ends_at_once_and_loses_nothing(queue: Queue) {
    let mut world = World::of(queue).start().await;
    let mut session = world.db.session();
    session
        .run("BEGIN; LOCK TABLE conversions IN ACCESS EXCLUSIVE MODE")
        .await;
    let receipt = [("Prefer", "respond-async")];
    world.shop.track_with("held", 100, &receipt).await.expect(202);
    let waiting = "SELECT count(*) FROM pg_stat_activity
                   WHERE datname = current_database() AND wait_event_type = 'Lock'";
    wait_until("the batch waits", BLOCKED, async || {
        world.count(waiting).await > 0
    })
    .await;

    let worker = &mut world.workers[0];
    signal("TERM", worker.pid());
    worker.logged("a second signal ends at once", 1).await;
    assert!(worker.is_running(), "its batch is at hand");
    signal("TERM", worker.pid());
    assert_eq!(worker.end().await.code(), Some(130));

    session.run("COMMIT").await;
    world.start_worker(None).await;
    world.until("count(*) = 1 FROM conversions").await;
    world.finish().await;
}

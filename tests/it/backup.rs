//! Backup and restore: the database and the broker come back, each from a moment of its own.

use commissary_tests::{BackedUp, Queue, Servers, World};

const ASYNC: [(&str, &str); 1] = [("Prefer", "respond-async")];

/// Ends all processes, as before every restore: they know numbers that the restored database has not given yet.
async fn stop(world: &mut World) {
    let World {
        ingest, workers, api, ..
    } = world;
    for process in [ingest, api].into_iter().chain(workers) {
        if process.is_running() {
            process.terminate().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_lost_comes_back_with_all_that_was_answered() {
    let mut cluster = BackedUp::start().await;
    let mut world = World::of(Queue::Rabbit).on_postgres(&cluster.url).start().await;
    world.shop.track("before-the-backup", 100).await.expect(200);
    cluster.back_up().await;
    world.shop.track("after-the-backup", 100).await.expect(200);
    // What waits at the broker is no business of the database's.
    world.workers[0].terminate().await;
    let waiting = world
        .shop
        .track_with("at-the-broker", 100, &ASYNC)
        .await
        .expect(202);

    cluster.lose().await;
    let meanwhile = world
        .shop
        .track_with("while-it-was-away", 100, &ASYNC)
        .await
        .expect(202);
    world.ingest.terminate().await;
    cluster.restore(None).await;
    world.start_ingest(None).await;
    world.start_worker(None).await;
    for receipt in [waiting, meanwhile] {
        let settled = world.settled(receipt.header("location").unwrap()).await;
        assert_eq!(settled.text("/status"), "applied");
    }
    // A caller who got no answer, or does not trust it, sends again.
    for order in [
        "before-the-backup",
        "after-the-backup",
        "at-the-broker",
        "while-it-was-away",
    ] {
        world.shop.track(order, 100).await.expect(409);
    }
    assert_eq!(world.count("SELECT count(*) FROM conversions").await, 4);
    world.finish().await;
    drop(cluster);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_database_from_an_earlier_moment_only_what_came_later_is_missing() {
    let mut cluster = BackedUp::start().await;
    let mut world = World::of(Queue::Rabbit).on_postgres(&cluster.url).start().await;
    world.shop.track("before", 100).await.expect(200);
    cluster.back_up().await;
    world.shop.track("between", 100).await.expect(200);
    cluster
        .db
        .sql("SELECT pg_create_restore_point('before_the_mistake')")
        .await;
    let later = world.shop.track("later", 100).await.expect(200);
    world.workers[0].terminate().await;
    world
        .shop
        .track_with("at-the-broker", 100, &ASYNC)
        .await
        .expect(202);

    stop(&mut world).await;
    cluster.lose().await;
    cluster.restore(Some("before_the_mistake")).await;
    world.start_api().await;
    world.start_ingest(None).await;
    world.start_worker(None).await;
    world.until("(SELECT count(*) FROM conversions) = 3").await;
    let orders = "SELECT string_agg(external_id, ' ' ORDER BY external_id) FROM conversions";
    assert_eq!(world.sql(orders).await, "at-the-broker before between");
    // Its receipt is good, and says that nothing is known: the caller sends it again, and is paid once.
    let receipt = format!("/v1/events/{}", later.header("x-event-id").unwrap());
    let unknown = world.shop.get(&receipt).await.expect(200);
    assert_eq!(unknown.text("/status"), "accepted", "{unknown:?}");
    world.shop.track("later", 100).await.expect(200);
    world.shop.track("later", 100).await.expect(409);
    assert_eq!(world.count("SELECT count(*) FROM conversions").await, 4);
    world.finish().await;
    drop(cluster);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_from_an_earlier_moment_brings_nothing_twice() {
    let servers = Servers::new();
    let url = servers.run("rabbitmq-start").await;
    let mut world = World::of(Queue::Rabbit).on_rabbit(&url).start().await;
    world.workers[0].terminate().await;
    for order in ["one", "two", "three"] {
        world.shop.track_with(order, 100, &ASYNC).await.expect(202);
    }
    // The copy of its disk has three messages that are applied after it was made.
    servers.run("rabbitmq-stop").await;
    let (disk, copy) = (servers.path().join("rabbitmq/data"), servers.path().join("copy"));
    let copied = std::process::Command::new("cp")
        .arg("-a")
        .arg(&disk)
        .arg(&copy)
        .status()
        .unwrap();
    assert!(copied.success());
    servers.run("rabbitmq-start").await;
    world.start_worker(None).await;
    world.until("(SELECT count(*) FROM conversions) = 3").await;
    world.drained(0).await;

    servers.run("rabbitmq-kill").await;
    std::fs::remove_dir_all(&disk).unwrap();
    std::fs::rename(&copy, &disk).unwrap();
    servers.run("rabbitmq-start").await;
    world.shop.track("four", 100).await;
    world.until("(SELECT count(*) FROM conversions) = 4").await;
    world.drained(0).await;
    let paid =
        "SELECT count(*) || ' ' || count(DISTINCT conversion_id) FROM commissions WHERE kind = 'regular'";
    assert_eq!(world.sql(paid).await, "4 4");
    world.finish().await;
    drop(servers);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_an_empty_broker_only_what_waited_there_is_missing() {
    let servers = Servers::new();
    let url = servers.run("rabbitmq-start").await;
    let mut world = World::of(Queue::Rabbit).on_rabbit(&url).start().await;
    world.shop.track("applied", 100).await.expect(200);
    world.workers[0].terminate().await;
    let lost = world.shop.track_with("waiting", 100, &ASYNC).await.expect(202);
    servers.run("rabbitmq-kill").await;
    std::fs::remove_dir_all(servers.path().join("rabbitmq/data")).unwrap();
    servers.run("rabbitmq-start").await;
    world.start_worker(None).await;

    let receipt = world.shop.get(lost.header("location").unwrap()).await.expect(200);
    assert_eq!(receipt.text("/status"), "accepted", "{receipt:?}");
    // Who sends it again is paid once, be it by the broker or by the spool.
    world.shop.track("waiting", 100).await;
    world.until("(SELECT count(*) FROM conversions) = 2").await;
    world.shop.track("waiting", 100).await.expect(409);
    assert_eq!(world.count("SELECT count(*) FROM conversions").await, 2);
    world.finish().await;
    drop(servers);
}

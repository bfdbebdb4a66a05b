//! Organisations beside each other: what exceeds one's share waits in bulk, and neither its neighbours nor its own later events suffer.

use std::{fmt::Write, time::Duration};

use commissary_tests::{Leftovers, Queue, World, wait_until};
use futures_util::future::join_all;
use serde_json::json;

on_both_queues!(
    a_flood_takes_nobodys_outcome,
    organisations_take_turns_in_bulk,
    an_update_waits_for_its_order_in_bulk,
    a_backlog_of_others_keeps_nobody_from_being_told,
);

const PATIENCE: Duration = Duration::from_mins(1);

/// Lines of sales with ascending numbers.
fn sales(name: &str, count: usize) -> String {
    (0..count).fold(String::new(), |mut lines, number| {
        let sale = json!({"external_id": format!("{name}-{number}"), "coupon": "JANE10OFF", "amount": 10});
        writeln!(lines, "{sale}").unwrap();
        lines
    })
}

/// All lines are safe, and wait.
async fn flood(world: &World, name: &str, lines: usize) {
    let answer = world.shop.lines_async(&sales(name, lines)).await.expect(200);
    assert_eq!(answer.body["accepted"], json!(lines), "{:?}", answer.body);
}

/// A sale of the other organisation, which waits long for its outcome.
async fn sell(world: &World, order: &str) -> u16 {
    let body =
        json!({"order_id": order, "total_amount": 10, "customer": {"email": format!("{order}@example.com")}});
    let url = format!("{}/api/affiliates/track/JANE10OFF", world.shop.ingest);
    let headers = [("Y-API-Key", "other-key"), ("Prefer", "wait=10")];
    let answer = world
        .shop
        .call(reqwest::Method::POST, &url, &headers, Some(&body));
    answer.await.unwrap().status
}

async fn send_update(world: &World, key: &str, order: &str, wait: &str) -> u16 {
    let url = format!("{}/1.7/pb/con/u/", world.shop.ingest);
    let headers = [("X-Api-Key", key), ("Prefer", wait)];
    let body = json!({"external_id": order, "amount": 33});
    let answer = world
        .shop
        .call(reqwest::Method::POST, &url, &headers, Some(&body));
    answer.await.unwrap().status
}

/// How many sales of the organisation `before` were applied when `slug`'s last one was.
async fn applied_before_the_last_of(world: &World, slug: &str, before: &str) -> i64 {
    let org = |slug: &str| format!("(SELECT org_id FROM orgs WHERE slug = '{slug}')");
    let last = format!(
        "(SELECT max(applied_at) FROM events WHERE org_id = {})",
        org(slug)
    );
    let earlier = format!(
        "SELECT count(*) FROM events WHERE org_id = {} AND applied_at < {last}",
        org(before)
    );
    world.count(&earlier).await
}

async fn a_flood_takes_nobodys_outcome(queue: Queue) {
    let mut world = World::of(queue).workers(0).start().await;
    for batch in 0..6 {
        flood(&world, &format!("flood{batch}"), 500).await;
    }
    let singles = (0..300).map(|n| {
        let body = json!({"external_id": format!("single-{n}"), "coupon": "JANE10OFF", "amount": 1});
        let (world, key) = (&world, [("Prefer", "respond-async")]);
        async move { world.shop.postback("con/c", &body, &key).await.status }
    });
    let singles = join_all(singles).await;
    assert!(singles.iter().all(|status| *status == 202), "{singles:?}");
    world.start_worker(None).await;
    let sold = join_all((0..8).map(|n| format!("sold-{n}")).map(|order| {
        let world = &world;
        async move { sell(world, &order).await }
    }))
    .await;
    assert!(
        sold.iter().all(|status| *status == 200),
        "receipts that nobody asked for: {sold:?}"
    );
    world.drained(0).await;
    let earlier = applied_before_the_last_of(&world, "other", "demo").await;
    assert!(
        earlier < 3_000,
        "{earlier} of 3300: the neighbour waited for the flood"
    );
    world.finish().await;
}

async fn organisations_take_turns_in_bulk(queue: Queue) {
    let mut world = World::of(queue).workers(0).start().await;
    for batch in 0..5 {
        flood(&world, &format!("flood{batch}"), 1000).await;
    }
    let (headers, lines) = (
        [("X-Api-Key", "other-key"), ("Prefer", "respond-async")],
        sales("small", 50),
    );
    let answer = world.shop.lines_with(&headers, &lines).await.expect(200);
    assert_eq!(answer.body["accepted"], json!(50));
    // From where they take turns: at the broker, what is there has to be moved to the spool first, and that may take as long as
    // to apply it.
    let mut held = world.db.session();
    held.run("BEGIN; LOCK TABLE conversions IN SHARE MODE").await;
    world.start_worker(None).await;
    world
        .until("EXISTS (SELECT FROM spool JOIN orgs ON org_id = bulk_of WHERE slug = 'other')")
        .await;
    drop(held);
    world.drained(0).await;
    wait_until("all is applied", PATIENCE, async || {
        world
            .count("SELECT count(*) FROM events WHERE status = 'applied'")
            .await
            == 5_050
    })
    .await;
    let earlier = applied_before_the_last_of(&world, "other", "demo").await;
    assert!(
        earlier <= 3_000,
        "{earlier} of 5000: it came last, and has its turn"
    );
    world.finish().await;
}

/// Keeps bulk from being taken; at the broker, from leaving the worker that moves it.
async fn hold_bulk(world: &World, queue: Queue) -> Option<commissary_tests::Session> {
    match queue {
        Queue::Spool => {
            let mut session = world.db.session();
            session
                .run("BEGIN; SELECT spool_id FROM spool WHERE bulk_of IS NOT NULL FOR UPDATE")
                .await;
            Some(session)
        }
        Queue::Rabbit => {
            let broken = "CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS
                          $$BEGIN RAISE EXCEPTION 'broken'; END$$;
                          CREATE TRIGGER broken BEFORE INSERT ON spool FOR EACH ROW
                          WHEN (NEW.bulk_of IS NOT NULL) EXECUTE FUNCTION broken()";
            world.sql(broken).await;
            None
        }
    }
}

async fn release_bulk(world: &World, held: Option<commissary_tests::Session>) {
    if held.is_none() {
        world.sql("DROP TRIGGER broken ON spool").await;
    }
}

/// The update goes express, and overtakes its order.
async fn an_update_waits_for_its_order_in_bulk(queue: Queue) {
    let mut world = World::of(queue).workers(0).start().await;
    flood(&world, "order", 20).await;
    let held = hold_bulk(&world, queue).await;
    world.start_worker(None).await;
    let statuses = join_all((0..3).map(|n| {
        let (world, order) = (&world, format!("order-{n}"));
        async move { send_update(world, "demo-key", &order, "wait=3").await }
    }))
    .await;
    assert_eq!(
        statuses,
        [202, 202, 202],
        "never unknown: the orders were accepted"
    );
    assert_eq!(
        send_update(&world, "demo-key", "nobodys", "wait=2").await,
        202,
        "nor is what may still be in bulk"
    );
    release_bulk(&world, held).await;
    let updated = "(SELECT count(*) = 3 FROM conversions WHERE amount = 33)";
    world.until(updated).await;
    assert_eq!(world.count("SELECT count(*) FROM conversions").await, 20);
    let left = Leftovers {
        parked: 1,
        ..Leftovers::default()
    };
    world.finish_with(left).await;
}

/// What is in bulk of one organisation brings nothing to another.
async fn a_backlog_of_others_keeps_nobody_from_being_told(queue: Queue) {
    let mut world = World::of(queue).workers(0).start().await;
    flood(&world, "order", 20).await;
    if queue == Queue::Rabbit {
        world.start_worker(None).await;
        world.until("EXISTS (SELECT FROM conversions)").await;
    }
    // In the spool as well where the broker is the queue.
    let of = "(SELECT org_id FROM orgs WHERE slug = 'demo')";
    let mut held = world.db.session();
    let insert = format!("INSERT INTO spool (bulk_of, envelope) SELECT {of}, 'x'");
    held.run(&format!(
        "{insert}; BEGIN; SELECT FROM spool WHERE bulk_of IS NOT NULL FOR UPDATE"
    ))
    .await;
    if queue == Queue::Spool {
        world.start_worker(None).await;
    }
    wait_until(
        "the other's unknown order is told to be unknown",
        PATIENCE,
        async || send_update(&world, "other-key", "nobodys", "wait=3").await == 404,
    )
    .await;
    world.sql("DELETE FROM events WHERE status = 'parked'").await;
    world.sql("DELETE FROM parked_keys").await;
    drop(held);
    world.until("NOT EXISTS (SELECT FROM spool)").await;
    let left = Leftovers {
        dead: 1,
        ..Leftovers::default()
    };
    world.finish_with(left).await;
}

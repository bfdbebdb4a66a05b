//! Events that end the process which applies them: each costs itself, and no other event.
//!
//! No hook in the product: a trigger holds the one event up while its number is in the locks, and the test kills that worker.

use std::time::Duration;

use commissary_tests::{Leftovers, Load, Queue, Servers, World, envelope, wait_for};
use common::domain::{AttributionFields, Body, CreateConversion, Refund};
use serde_json::json;

on_both_queues!(
    one_event_that_kills_costs_itself,
    several_events_that_kill,
    a_parked_event_that_kills_costs_itself,
    healthy_workers_are_killed
);

const ASYNC: (&str, &str) = ("Prefer", "respond-async");
const NEIGHBOURS: i64 = 60;
/// Unsuspected, among others, twice alone; and one in case a lane was caught while it did something else.
const MAX_KILLS: usize = 5;
/// The longest between two kills, and after the last.
const STEP: Duration = Duration::from_secs(40);

/// Holds up whoever writes the event, until the test kills it.
const POISON: &str = "
    CREATE FUNCTION poison() RETURNS trigger LANGUAGE plpgsql AS
    $$BEGIN
        PERFORM pg_advisory_xact_lock(4711, current_setting('test.worker')::integer);
        PERFORM pg_sleep(25);
        RAISE EXCEPTION 'nobody killed the worker';
    END$$;
    CREATE TRIGGER poison BEFORE INSERT ON conversions FOR EACH ROW WHEN (NEW.external_id LIKE 'poison%')
    EXECUTE FUNCTION poison();
    CREATE TRIGGER poison BEFORE INSERT ON refunds FOR EACH ROW WHEN (NEW.refund_key LIKE 'id:poison%')
    EXECUTE FUNCTION poison()";
const HELD_UP: &str = "SELECT min(objid::bigint) FROM pg_locks l JOIN pg_database d ON d.oid = l.database
                       WHERE locktype = 'advisory' AND classid = 4711 AND granted AND datname = current_database()";

/// Kills whichever worker is held up and starts another, until a condition in SQL holds. Returns how many were killed.
async fn kill_until(world: &mut World, condition: &str) -> usize {
    kill_with_until(world, None, condition).await
}

/// The same, where the database's machine goes down with each.
async fn kill_with_until(world: &mut World, database: Option<&Servers>, condition: &str) -> usize {
    let condition = format!("SELECT {condition}");
    let mut kills = 0;
    loop {
        let what = format!("{condition}, or a worker is held up");
        let held_up = wait_for(&what, STEP, async || {
            match world.sql(HELD_UP).await.parse::<i64>() {
                Ok(number) => Some(Some(number)),
                Err(_none) => (world.sql(&condition).await == "t").then_some(None),
            }
        });
        let Some(number) = held_up.await else {
            return kills;
        };
        let name = format!("worker-{number}");
        let at = world
            .workers
            .iter()
            .position(|worker| worker.name() == name)
            .unwrap();
        world.workers.remove(at).kill9().await;
        // The server finds out only when it has something to say.
        let end = format!(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_locks WHERE locktype = 'advisory' AND classid = 4711 AND objid = {number}"
        );
        match database {
            None => _ = world.sql(&end).await,
            Some(servers) => {
                servers.run("postgres-kill").await;
                servers.run("postgres-start").await;
            }
        }
        kills += 1;
        world.start_worker(None).await;
    }
}

/// What is dead, and why: the only dead events are these.
async fn only_dead(world: &World, orders: &[&str]) {
    let listed = world.commissary(&["dlq", "list", "--json"]).await.well().json();
    let mut dead: Vec<_> = listed.as_array().unwrap().iter().collect();
    dead.sort_by_key(|event| event["order"].to_string());
    let dead: Vec<_> = dead
        .into_iter()
        .map(|event| (&event["order"], &event["reason"]))
        .collect();
    let (orders, reason) = (
        orders.iter().map(|order| json!(order)).collect::<Vec<_>>(),
        json!("crash_loop"),
    );
    let expected: Vec<_> = orders.iter().map(|order| (order, &reason)).collect();
    assert_eq!(dead, expected);
}

fn sale(order: &str) -> Body {
    Body::CreateConversion(Box::new(CreateConversion {
        external_id: Some(order.to_owned()),
        attribution: AttributionFields {
            coupon: Some("PARTNER_CODE".to_owned()),
            ..AttributionFields::default()
        },
        amount: "100".parse().unwrap(),
        ..CreateConversion::default()
    }))
}

fn refund(order: &str, id: &str) -> Body {
    Body::Refund(Refund {
        external_id: order.to_owned(),
        amount: Some("10".parse().unwrap()),
        refund_id: Some(id.to_owned()),
        ..Refund::default()
    })
}

async fn send(world: &World, orders: impl Iterator<Item = String>) {
    for order in orders {
        world.shop.track_with(&order, 100, &[ASYNC]).await.expect(202);
    }
}

/// Sixty neighbours, and in the middle of them the poisoned ones.
fn orders(poisoned: i64) -> impl Iterator<Item = String> {
    let neighbours = |from, to| (from..to).map(|n| format!("order-{n}"));
    let poison = (0..poisoned).map(|n| format!("poison-{n}"));
    neighbours(0, NEIGHBOURS / 2)
        .chain(poison)
        .chain(neighbours(NEIGHBOURS / 2, NEIGHBOURS))
}

fn settled(applied: i64, dead: i64) -> String {
    format!(
        "(SELECT count(*) FROM conversions) = {applied} AND (SELECT count(*) FROM events WHERE status = 'dead') = {dead}
         AND (SELECT count(*) FROM spool) = 0 AND NOT EXISTS (SELECT FROM events WHERE status = 'queued')"
    )
}

async fn finish(world: World, dead: i64) {
    world.drained(0).await;
    let left = Leftovers {
        dead,
        ..Leftovers::default()
    };
    world.finish_with(left).await;
}

async fn three_workers(world: &mut World) {
    for _ in 0..3 {
        world.start_worker(None).await;
    }
}

async fn one_event_that_kills_costs_itself(queue: Queue) {
    let mut world = World::of(queue).workers(3).start().await;
    world.sql(POISON).await;
    send(&world, orders(1)).await;
    let kills = kill_until(&mut world, &settled(NEIGHBOURS, 1)).await;
    assert!(kills <= MAX_KILLS, "{kills} kills");
    only_dead(&world, &["poison-0"]).await;
    let told = world.commissary(&["explain", "poison-0"]).await;
    assert!(told.out.contains("ended the process 3 times"), "{told:?}");
    let doctor = world.commissary(&["doctor"]).await;
    assert!(
        doctor.out.contains("1 event ended the process that applied it"),
        "{doctor:?}"
    );

    // A replay before the cause is mended costs less, and one after it mends it.
    let id = world
        .sql("SELECT event_id FROM events WHERE status = 'dead'")
        .await;
    world.commissary(&["dlq", "replay", &id]).await.well();
    let again =
        format!("EXISTS (SELECT FROM events WHERE event_id = '{id}' AND status = 'dead' AND attempt = 2)");
    let kills = kill_until(&mut world, &again).await;
    assert!(kills <= 2, "{kills} kills at a replay");
    world.sql("DROP TRIGGER poison ON conversions").await;
    world.commissary(&["dlq", "replay", &id]).await.well();
    world
        .until("EXISTS (SELECT FROM conversions WHERE external_id = 'poison-0')")
        .await;
    // A neighbour's may stay for the sweep, where its worker was killed between its commit and that.
    world
        .until(&format!(
            "NOT EXISTS (SELECT FROM crash_marks WHERE event_id = '{id}')"
        ))
        .await;
    finish(world, 0).await;
}

async fn several_events_that_kill(queue: Queue) {
    let mut world = World::of(queue).workers(0).start().await;
    world.sql(POISON).await;
    // In one envelope, too, between changes of one order.
    let bodies = vec![
        sale("one"),
        sale("poison-in-the-middle"),
        refund("one", "r1"),
        sale("other"),
        refund("one", "r2"),
    ];
    let events = world.events(bodies).await;
    send(&world, orders(2)).await;
    world.publish(&[envelope(&events)]).await;
    three_workers(&mut world).await;
    let kills = kill_until(&mut world, &settled(NEIGHBOURS + 2, 3)).await;
    assert!(kills <= 3 * MAX_KILLS, "{kills} kills");
    only_dead(&world, &["poison-0", "poison-1", "poison-in-the-middle"]).await;
    let refunds = "SELECT count(*) FROM refunds JOIN conversions USING (org_id, conversion_id) WHERE external_id = 'one'";
    assert_eq!(world.count(refunds).await, 2);
    finish(world, 3).await;
}

/// What waits for an order is applied in the transaction that brings it: it is not the order that kills.
async fn a_parked_event_that_kills_costs_itself(queue: Queue) {
    let mut world = World::of(queue).start().await;
    world.sql(POISON).await;
    let refund = world.events(vec![refund("late", "poison")]).await;
    world.publish(&[envelope(&refund)]).await;
    world
        .until("EXISTS (SELECT FROM events WHERE status = 'parked')")
        .await;
    send(&world, std::iter::once("late".to_owned()).chain(orders(0))).await;
    let kills = kill_until(&mut world, &settled(NEIGHBOURS + 1, 1)).await;
    // Three until the sale is alone; then it is the refund's turn.
    assert!(kills <= 2 * MAX_KILLS, "{kills} kills");
    only_dead(&world, &["late"]).await;
    let dead = "SELECT kind FROM events WHERE status = 'dead'";
    assert_eq!(world.sql(dead).await, "refund");
    finish(world, 1).await;
}

/// Whoever kills workers that are well, once or again and again, costs no event.
async fn healthy_workers_are_killed(queue: Queue) {
    const CLIENTS: usize = 8;
    const KILLS: usize = 8;
    let mut world = World::of(queue).workers(2).start().await;
    let load = Load::start(&world.shop, CLIENTS, Duration::from_millis(20));
    for _ in 0..KILLS {
        load.accepted(40).await;
        world.workers.remove(0).kill9().await;
        world.start_worker(None).await;
    }
    load.accepted(100).await;
    let sent = load.stop().await;
    world.drained(0).await;
    world.recorded(&sent).await;
    finish(world, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queued_event_that_kills_costs_itself() {
    let mut world = World::of(Queue::Spool).workers(0).start().await;
    world.sql(POISON).await;
    let line = |order| json!({"external_id": order, "coupon": "PARTNER_CODE", "amount": 100}).to_string();
    let lines: Vec<String> = orders(1).map(line).collect();
    let file = world.file("orders.ndjson", &lines.join("\n"));
    let directory = tempfile::tempdir().unwrap();
    let mut import = world.command(&["import", &file, "--org", "demo", "--json"]);
    let _import = commissary_tests::Process::start("import", &mut import, directory.path());
    let all = format!(
        "(SELECT count(*) FROM events WHERE status = 'queued') = {}",
        NEIGHBOURS + 1
    );
    world.until(&all).await;
    three_workers(&mut world).await;
    let kills = kill_until(&mut world, &settled(NEIGHBOURS, 1)).await;
    assert!(kills <= MAX_KILLS, "{kills} kills");
    only_dead(&world, &["poison-0"]).await;
    finish(world, 1).await;
}

/// All in one process or one container: whatever is not flushed is gone as well.
#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_takes_the_database_down_with_it() {
    let servers = Servers::new();
    let url = servers.run("postgres-start").await;
    let mut world = World::of(Queue::Spool).on_postgres(&url).start().await;
    world.sql(POISON).await;
    send(&world, orders(1)).await;
    let kills = kill_with_until(&mut world, Some(&servers), &settled(NEIGHBOURS, 1)).await;
    assert!(kills <= MAX_KILLS, "{kills} kills");
    only_dead(&world, &["poison-0"]).await;
    finish(world, 1).await;
    drop(servers);
}

/// The broker counts deliveries of an envelope and not of its events.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_broker_gave_up_is_applied_but_for_what_kills() {
    let mut world = World::of(Queue::Rabbit).workers(0).start().await;
    world.sql(POISON).await;
    let bodies = [sale("a"), sale("poison"), sale("b")];
    let events = world.events(bodies.into()).await;
    let later = br#"{"v":999,"from":"the future","events":[]}"#.to_vec();
    world
        .give_up(&[envelope(&events), later, b"rubbish".to_vec()])
        .await;
    three_workers(&mut world).await;
    let settled = "(SELECT count(*) FROM conversions) = 2 AND (SELECT count(*) FROM events WHERE status = 'dead') = 2
                   AND (SELECT count(*) FROM spool WHERE version = 999) = 1 AND (SELECT count(*) FROM spool) = 1";
    let kills = kill_until(&mut world, settled).await;
    assert!(kills <= MAX_KILLS, "{kills} kills");
    let codes = "SELECT string_agg(reason, ' ' ORDER BY reason) FROM events WHERE status = 'dead'";
    assert_eq!(world.sql(codes).await, "crash_loop undecodable");
    let left = Leftovers {
        dead: 2,
        kept: 1,
        ..Leftovers::default()
    };
    world.finish_with(left).await;
}

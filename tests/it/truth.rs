//! What an operator is told is so: without a worker, without a broker, of imports, of replays, of what was refused.

use std::time::Duration;

use commissary_tests::{Leftovers, Output, Queue, World, wait_for, wait_until};
use serde_json::{Value, json};

on_both_queues!(
    without_a_worker_everybody_says_so,
    failures_are_groups_and_a_replay_that_fails_again_is_seen
);

const ASYNC: (&str, &str) = ("Prefer", "respond-async");
const SOON: Duration = Duration::from_secs(40);
const LAG: &str = "commissary_oldest_unapplied_event_seconds";
const WORKERS: &str = "commissary_processes_alive{role=\"worker\"}";

/// The checks of doctor that are wrong.
fn wrong(doctor: &Output) -> Vec<String> {
    let said = doctor.json();
    let checks = said["checks"].as_array().unwrap().iter();
    let wrong = checks.filter(|check| check["ok"] == false);
    let names: Vec<String> = wrong
        .map(|check| check["check"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(doctor.code, Some(i32::from(!names.is_empty())), "{doctor:?}");
    names
}

fn is(value: f64) -> impl Fn(f64) -> bool {
    move |found| (found - value).abs() < 0.5
}

async fn until_metric(world: &World, process: &str, name: &str, is: impl Fn(f64) -> bool) {
    wait_until(&format!("{name} of {process}"), SOON, async || {
        world.metric(process, name).await.is_some_and(&is)
    })
    .await;
}

async fn without_a_worker_everybody_says_so(queue: Queue) {
    let mut world = World::start(queue).await;
    world.shop.track("before", 100).await.expect(200);
    let (ingest, api) = (world.shop.ingest.clone(), world.shop.api.clone());
    for process in [&ingest, &api] {
        until_metric(&world, process, WORKERS, is(1.0)).await;
        until_metric(&world, process, LAG, is(0.0)).await;
    }
    wait_until("doctor finds nothing wrong", SOON, async || {
        wrong(&world.doctor().await).is_empty()
    })
    .await;

    world.workers[0].kill9().await;
    world.workers.clear();
    world.shop.track_with("after", 100, &[ASYNC]).await.expect(202);
    for process in [&ingest, &api] {
        until_metric(&world, process, WORKERS, is(0.0)).await;
        until_metric(&world, process, LAG, |lag| lag > 3.0).await;
    }
    let doctor = world.doctor().await;
    let names = wrong(&doctor);
    assert!(names.contains(&"workers".to_owned()), "{doctor:?}");
    if queue == Queue::Rabbit {
        assert!(names.contains(&"queue".to_owned()), "{doctor:?}");
    }
    assert!(doctor.out.contains("Start `commissary worker`"), "{doctor:?}");
    if queue == Queue::Spool {
        world
            .sql("UPDATE spool SET created_at = now() - interval '5 minutes'")
            .await;
        let names = wrong(&world.doctor().await);
        assert!(
            names.contains(&"lag".to_owned()) && names.contains(&"spool".to_owned()),
            "{names:?}"
        );
    }

    world.start_worker(None).await;
    world.until("(SELECT count(*) FROM conversions) = 2").await;
    for process in [&ingest, &api] {
        until_metric(&world, process, WORKERS, is(1.0)).await;
        until_metric(&world, process, LAG, is(0.0)).await;
    }
    wait_until("doctor finds nothing wrong", SOON, async || {
        wrong(&world.doctor().await).is_empty()
    })
    .await;
    world.finish().await;
}

fn group<'a>(groups: &'a Value, code: &str) -> &'a Value {
    let all = groups["groups"].as_array().unwrap();
    let found = all.iter().find(|group| group["code"] == code);
    found.unwrap_or_else(|| panic!("no group of {code} in {groups}"))
}

async fn lists_find_what_they_are_asked_for(world: &World, lost: &Value) {
    let json = async |arguments: &[&str]| world.commissary(arguments).await.well().json();
    let id = lost["id"].as_str().unwrap();
    // Undecodable bytes came last, and are listed first.
    let listed = json(&["dlq", "list", "--json"]).await;
    assert_eq!(
        (listed.as_array().unwrap().len(), &listed[0]["reason"]),
        (27, &json!("undecodable"))
    );
    for (filter, count) in [
        (vec!["--fingerprint", id], 25),
        (vec!["--customer", "C7@shop.example"], 1),
        (vec!["--text", "NO ENVELOPE"], 1),
        (vec!["--text", "lost-1"], 11),
        (vec!["--dialect", "postback"], 0),
        (vec!["--only", "dead"], 1),
        (vec!["--from", "2h", "--org", "demo"], 26),
        (vec!["--again"], 0),
    ] {
        let arguments = [vec!["dlq", "list", "--json"], filter].concat();
        let found = json(&arguments).await;
        assert_eq!(found.as_array().unwrap().len(), count, "{arguments:?}");
    }
    let unknown = world
        .commissary(&["dlq", "list", "--code", "unknown_parter"])
        .await;
    assert!(
        unknown.code != Some(0) && unknown.error.contains("unknown_partner"),
        "{unknown:?}"
    );
    for arguments in [vec!["dlq"], vec!["dlq", "list"], vec!["events", "list"]] {
        let text = world.commissary(&arguments).await.well().out;
        assert!(
            arguments[0] == "events" || text.starts_with("26 refused, 1 dead"),
            "{text}"
        );
        let longest = text.lines().map(|line| line.chars().count()).max();
        assert!(longest <= Some(80), "{longest:?}: {text}");
        let sample = lost["sample"].as_str().unwrap();
        assert!(text.contains(sample), "{text}");
    }
}

async fn failures_are_groups_and_a_replay_that_fails_again_is_seen(queue: Queue) {
    let world = World::start(queue).await;
    let order = |number: u32| json!({"order_id": format!("lost-{number}"), "total_amount": 1, "customer": {"email": format!("c{number}@shop.example")}});
    for number in 0..25 {
        let coupon = if number % 2 == 0 { "nobodys" } else { "NOBODYS" };
        world
            .shop
            .track_as("demo-key", coupon, &order(number))
            .await
            .expect(200);
    }
    world
        .shop
        .track_as("demo-key", "ELSEWHERE", &order(99))
        .await
        .expect(200);
    world.publish(&[b"\xff\xfe no envelope".to_vec()]).await;
    world
        .until("(SELECT count(*) FROM events WHERE status = 'dead') = 1")
        .await;

    let json = async |arguments: &[&str]| world.commissary(arguments).await.well().json();
    let groups = json(&["dlq", "--json"]).await;
    assert_eq!(groups, json(&["events", "--json"]).await);
    assert_eq!(groups["totals"], json!({"refused": 26, "dead": 1, "again": 0}));
    assert_eq!(groups["groups"].as_array().unwrap().len(), 3, "{groups}");
    assert_eq!(
        group(&groups, "undecodable")["orgs"],
        json!([{"org": null, "events": 1}])
    );
    let all = groups["groups"].as_array().unwrap();
    let lost = all.iter().find(|group| group["events"] == 25).unwrap();
    assert_eq!(lost["fingerprint"], "unknown_partner: coupon \"NOBODYS\"");
    assert_eq!(lost["orgs"], json!([{"org": "demo", "events": 25}]));
    let id = lost["id"].as_str().unwrap();

    lists_find_what_they_are_asked_for(&world, lost).await;
    assert!(wrong(&world.doctor().await).contains(&"refusals".to_owned()));

    // Nothing is mended: it fails again, and nobody waits for it.
    world
        .commissary(&["dlq", "replay", "--fingerprint", id, "--yes"])
        .await
        .well();
    world
        .until("(SELECT count(*) FROM events WHERE status = 'refused' AND attempt = 2) = 25")
        .await;
    let again = json(&["dlq", "groups", "--again", "--json"]).await;
    assert_eq!(again["totals"], json!({"refused": 25, "dead": 0, "again": 25}));
    assert!(wrong(&world.doctor().await).contains(&"replays".to_owned()));
    let left = ["dlq", "discard", "--fingerprint", id, "--reason", "test", "--yes"];
    world.commissary(&left).await.well();
    assert!(!wrong(&world.doctor().await).contains(&"replays".to_owned()));
    let dead = Leftovers {
        dead: 1,
        ..Leftovers::default()
    };
    world.finish_with(dead).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn imports_and_replays_are_counted_and_a_worker_tells_of_itself() {
    let world = World::of(Queue::Spool)
        .worker_variable("COMMISSARY_LISTEN", "127.0.0.1:0")
        .start()
        .await;
    let worker = wait_for("the worker's address", SOON, async || {
        let log = world.workers[0].log();
        let line = log.lines().find(|line| line.contains("worker serves"))?;
        let address = line.split("address=").nth(1)?.split_whitespace().next()?;
        Some(format!("http://{address}"))
    })
    .await;
    let file = world.file(
        "orders.csv",
        "external_id,coupon,amount\nimp-1,PARTNER_CODE,1\nimp-2,NOBODYS,1\n",
    );
    world.commissary(&["import", &file, "--org", "demo"]).await;
    let refused = "commissary_events_refused_total{reason=\"unknown_partner\"}";
    for (name, count) in [
        ("commissary_events_taken_total{source=\"import\"}", 2.0),
        ("commissary_events_applied_total", 1.0),
        (refused, 1.0),
    ] {
        until_metric(&world, &worker, name, is(count)).await;
    }
    world
        .commissary(&["dlq", "replay", "--code", "unknown_partner", "--yes"])
        .await
        .well();
    for (name, count) in [
        ("commissary_events_taken_total{source=\"replay\"}", 1.0),
        ("commissary_replays_failed_total{status=\"refused\"}", 1.0),
        (refused, 2.0),
        ("commissary_ready", 1.0),
    ] {
        until_metric(&world, &worker, name, is(count)).await;
    }
    let ingest = world.shop.ingest.clone();
    for (name, least) in [
        (
            "commissary_http_requests_total{method=\"GET\",route=\"/readyz\",status=\"200\"}",
            1.0,
        ),
        ("commissary_events_failed{status=\"refused\"}", 1.0),
        ("commissary_look_succeeded{at=\"database\"}", 1.0),
    ] {
        until_metric(&world, &ingest, name, |found| found >= least).await;
    }
    let text = reqwest::get(format!("{worker}/metrics"))
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    for part in [
        "commissary_build_info{",
        "process_resident_memory_bytes ",
        "commissary_batch_commit_duration_seconds_bucket",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    world.finish().await;
}

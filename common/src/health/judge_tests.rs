use super::*;
use crate::db::{
    backlog::{Spool, Waiting},
    spool_bulk::Load,
};

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_176_000, 0).unwrap()
}

fn ago(seconds: i64) -> DateTime<Utc> {
    now() - TimeDelta::seconds(seconds)
}

fn process(role: &str, seen: i64) -> Heartbeat {
    Heartbeat {
        role: role.to_owned(),
        host: "here".to_owned(),
        pid: 7,
        version: "1".to_owned(),
        started_at: ago(3_600),
        seen_at: ago(seen),
        clock_at: ago(seen),
        doing: String::new(),
        trouble: None,
        oldest_at: None,
        delivered_at: None,
        queue_messages: None,
        queue_consumers: None,
        queue_waits_since: None,
    }
}

#[expect(clippy::unnecessary_wraps, reason = "as a look finds it")]
fn failed(refused: i64, dead: i64, again: i64) -> Option<Failed> {
    Some(Failed { refused, dead, again })
}

fn well() -> Database {
    Database {
        spool: Spool {
            express: 0,
            bulk: 0,
            newer: 0,
            express_since: None,
            bulk_since: None,
            now: now(),
        },
        waiting: Waiting {
            queued: 0,
            parked: 0,
            queued_since: None,
            parked_since: None,
        },
        failed: failed(0, 0, 0),
        orgs: Vec::new(),
        bulk: Vec::<Load>::new(),
        connections: Connections { used: 10, most: 97 },
        processes: vec![process("worker", 2), process("ingest", 2)],
    }
}

/// The checks that find something wrong.
fn wrong(
    found: &Database,
    lately: &Lately,
    queue_since: Option<DateTime<Utc>>,
) -> Vec<(&'static str, String)> {
    let checks = judge(found, Some(lately), queue_since, now());
    let wrong = checks
        .into_iter()
        .filter_map(|check| Some((check.name, check.result.err()?)));
    wrong.collect()
}

/// Of what changes.
fn found_wrong(change: impl FnOnce(&mut Database, &mut Lately)) -> Vec<&'static str> {
    let (mut found, mut lately) = (well(), Lately::default());
    change(&mut found, &mut lately);
    let names = wrong(&found, &lately, None).into_iter().map(|(name, _)| name);
    names.collect()
}

#[test]
fn nothing_is_wrong_where_all_is_well() {
    assert_eq!(found_wrong(|_, _| {}), [""; 0]);
    // Old rows that wait for something else, or that somebody works at, are no fault.
    let parked = |found: &mut Database, _: &mut Lately| {
        found.waiting.parked = 3;
        found.waiting.parked_since = Some(ago(7_200));
        found.failed = failed(5_003, 9, 0);
    };
    assert_eq!(found_wrong(parked), [""; 0]);
}

#[test]
fn each_fault_has_its_check() {
    let workers = |found: &mut Database| found.processes.retain(|said| said.role != "worker");
    assert_eq!(found_wrong(|found, _| workers(found)), ["workers"]);
    assert_eq!(
        found_wrong(|found, _| found.processes[0].seen_at = ago(16)),
        ["workers"]
    );
    assert_eq!(
        found_wrong(|found, _| found.processes[0].trouble = Some("stuck".to_owned())),
        ["workers"]
    );
    assert_eq!(
        found_wrong(|found, _| found.processes[1].trouble = Some("blocked".to_owned())),
        ["processes"]
    );
    assert_eq!(
        found_wrong(|found, _| found.processes[1].clock_at = ago(9)),
        ["clock"]
    );
    assert_eq!(
        found_wrong(|found, _| found.processes[0].oldest_at = Some(ago(31))),
        ["lag"]
    );
    assert_eq!(
        found_wrong(|found, _| found.waiting.queued_since = Some(ago(31))),
        ["lag"]
    );
    assert_eq!(
        found_wrong(|found, _| found.spool.express_since = Some(ago(31))),
        ["lag", "spool"]
    );
    assert_eq!(
        found_wrong(|found, _| found.spool.bulk_since = Some(ago(31))),
        ["lag", "spool"]
    );
    assert_eq!(
        found_wrong(|found, _| found.failed = failed(0, 0, 1)),
        ["replays"]
    );
    assert_eq!(
        found_wrong(|found, _| found.connections.used = 88),
        ["connections"]
    );
    assert_eq!(found_wrong(|found, _| found.failed = None), ["replays"]);
    assert_eq!(found_wrong(|_, lately| lately.dead = 1), ["dead letters"]);
    assert_eq!(
        found_wrong(|_, lately| lately.missing_days = vec!["2026-11-21".to_owned()]),
        ["partitions"]
    );
}

#[test]
fn refusals_grow_or_are_as_usual() {
    let grow = |refused, refused_before| {
        found_wrong(|_, lately| (lately.refused, lately.refused_before) = (refused, refused_before))
    };
    assert_eq!(grow(REFUSALS, 0), ["refusals"]);
    assert_eq!(grow(REFUSALS - 1, 0), [""; 0]);
    assert_eq!(grow(300, 100), ["refusals"]);
    assert_eq!(grow(299, 100), [""; 0]);
}

#[test]
fn without_a_worker_it_says_when_the_last_one_was_there() {
    let mut found = well();
    found.processes = vec![process("worker", 180)];
    let said = wrong(&found, &Lately::default(), None);
    assert!(
        said[0].1.contains("process 7 on here (version 1), 3 min ago"),
        "{said:?}"
    );
    assert!(said[0].1.contains("Start `commissary worker`"), "{said:?}");
}

#[test]
fn what_waits_at_the_broker_is_late_as_others_are() {
    let said = wrong(&well(), &Lately::default(), Some(ago(94)));
    assert!(
        said[0]
            .1
            .starts_with("the oldest event waits for 94 s at the broker; 30 s"),
        "{said:?}"
    );
}

#[test]
fn a_queue_without_consumers_is_wrong() {
    let depth = |consumers| QueueDepth {
        messages: 3,
        consumers,
    };
    assert!(judge_queue("commissary.events", depth(2)).result.is_ok());
    let said = judge_queue("commissary.events", depth(0)).result.unwrap_err();
    assert!(
        said.starts_with("commissary.events: 3 messages, 0 consumers. No worker"),
        "{said}"
    );
}

#[test]
fn times_are_told_in_the_unit_that_says_enough() {
    let told = [0, 119, 120, 7_199, 7_200, 172_799, 172_800].map(|seconds| long(TimeDelta::seconds(seconds)));
    assert_eq!(
        told,
        ["0 s", "119 s", "2 min", "119 min", "2 h", "47 h", "2 days"]
    );
}

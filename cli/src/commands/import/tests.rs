//! Imports against a database: each record once, however often it is stopped.

use std::{fmt::Write as _, fs, path::Path};

use common::{
    message::EventIds,
    ops::import::{Import, ImportKey},
    runtime::{Clock, Supervisor},
    testing::{self, TestDatabase},
};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::{
    args::{Args, MAX_RATE},
    file,
    format::Format,
    progress::{Followed, follow},
    queue::{self, CHUNK, Job},
    records::{self, Records},
    report::Report,
};

/// Imports `file`; stops when `chunks` more have been queued.
async fn import(world: &TestDatabase, file: &Path, chunks: usize) -> Import {
    let (clock, ids) = (Clock::default(), EventIds::new(&"secret".into()).unwrap());
    let fingerprint = fingerprint(file);
    let job = Job {
        pool: &world.pool,
        clock: &clock,
        ids: &ids,
        key: ImportKey {
            org: world.org,
            fingerprint: &fingerprint,
        },
        file,
        format: Format::of(file).unwrap(),
        program: None,
        ignore_unknown: false,
        rate: 1_000_000,
    };
    let mut report = report(file);
    let stop = CancellationToken::new();
    let already = usize::try_from(done(world).await).unwrap();
    let mut told = 0;
    let import = queue::run(&job, &mut report, &stop, |_| {
        told += 1;
        if told == already + chunks {
            stop.cancel();
        }
    });
    import.await.unwrap().import
}

fn fingerprint(file: &Path) -> String {
    file::fingerprint(file, Format::of(file).unwrap(), None).unwrap()
}

fn report(file: &Path) -> Report {
    Report::of(file, Some(&file.with_extension("report"))).unwrap()
}

/// What the report of `file` says: lines and statuses.
fn reported(file: &Path) -> Vec<Value> {
    let report = fs::read_to_string(file.with_extension("report")).unwrap_or_default();
    let lines = report.lines().map(|line| serde_json::from_str(line).unwrap());
    lines.collect()
}

/// Follows the import of `file` with a worker beside it.
async fn followed(world: &TestDatabase, file: &Path, told: i64) -> Followed {
    let supervisor = Supervisor::new();
    let worker = worker::Worker {
        pool: world.pool.clone(),
        clock: Clock::default(),
        broker: None,
        instances: common::queue::Instances::default(),
        lanes: 1,
    };
    worker::start(&worker, &supervisor.group("worker", worker::DRAIN_TIMEOUT));
    let fingerprint = fingerprint(file);
    let key = ImportKey {
        org: world.org,
        fingerprint: &fingerprint,
    };
    let (mut report, stop) = (report(file), CancellationToken::new());
    let followed = follow(&world.pool, key, told, &mut report, &stop).await;
    let followed = followed.unwrap().unwrap();
    supervisor.stop().cancel();
    supervisor.finish().await.unwrap();
    followed
}

/// Records that earlier runs have imported.
async fn done(world: &TestDatabase) -> i64 {
    world
        .count("SELECT COALESCE(sum(records_done), 0)::bigint FROM imports")
        .await
}

fn orders(count: usize) -> String {
    (0..count).fold(
        "external_id,coupon,amount,meta_data.row\n".to_owned(),
        |mut csv, n| {
            writeln!(csv, "import-{n},JANE10OFF,10.50,{n}").unwrap();
            csv
        },
    )
}

#[tokio::test]
async fn an_import_that_is_stopped_goes_on_and_each_order_is_there_once() {
    let world = testing::database().await;
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("orders.csv");
    fs::write(&file, orders(5_000)).unwrap();
    let stopped = import(&world, &file, 3).await;
    assert_eq!(
        (stopped.records_done, stopped.is_finished),
        (3 * i64::try_from(CHUNK).unwrap(), false)
    );
    let stopped = import(&world, &file, 1).await;
    assert_eq!(
        (stopped.records_done, stopped.is_finished),
        (4 * i64::try_from(CHUNK).unwrap(), false)
    );
    let all = import(&world, &file, usize::MAX / 2).await;
    assert_eq!((all.records_done, all.invalid, all.is_finished), (5_000, 0, true));
    let queued = "SELECT count(*) FROM events WHERE status = 'queued' AND dialect = 'native' AND trusted";
    assert_eq!(world.count(queued).await, 5_000);
    assert_eq!(
        world.count("SELECT count(DISTINCT order_key) FROM events").await,
        5_000
    );
    assert_eq!(import(&world, &file, 1).await, all, "nothing is left to do");
    assert_eq!(world.count(queued).await, 5_000);
}

#[tokio::test]
async fn what_is_no_event_is_reported_and_the_rest_is_applied() {
    let world = testing::database().await;
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("orders.ndjson");
    let lines = [
        r#"{"external_id":"a","coupon":"JANE10OFF","amount":100}"#,
        r#"{"external_id":"b"}"#,
        "",
        "nonsense",
        r#"{"type":"refund","external_id":"a","amount":40}"#,
        r#"{"external_id":"c","coupon":"NOBODY"}"#,
    ];
    fs::write(&file, lines.join("\r\n")).unwrap();
    let import = import(&world, &file, usize::MAX / 2).await;
    assert_eq!(
        (import.records_done, import.invalid, import.is_finished),
        (5, 2, true)
    );

    let followed = followed(&world, &file, 0).await;
    assert_eq!((followed.unapplied, followed.parked), (1, 0));
    let told = reported(&file);
    let lines: Vec<_> = told
        .iter()
        .map(|line| (line["line"].as_u64().unwrap(), line["status"].as_str().unwrap()))
        .collect();
    assert_eq!(lines, [(2, "invalid"), (4, "invalid"), (6, "refused")]);
    assert_eq!(
        (&told[1]["original"], &told[2]["reason"]),
        (&"nonsense".into(), &"unknown_partner".into())
    );
    let refunded = "SELECT count(*) FROM events WHERE status = 'applied' AND order_key = 'a'";
    assert_eq!(world.count(refunded).await, 2);
    assert_eq!(world.count("SELECT count(*) FROM import_lines").await, 0);
    world.prove().await;
}

#[test]
fn odd_rows_are_invalid_and_lines_are_counted_as_in_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("orders.csv");
    let csv = b"\xef\xbb\xbfexternal_id,coupon\r\n\"a\n1\",C\r\nb\r\n\r\n\xff,C\r\nc,\"say \"\"hi\"\"\"\r\n";
    fs::write(&file, csv).unwrap();
    let mut records = Records::open(&file, Format::Csv, false).unwrap();
    let now = Clock::default().now();
    let mut read = Vec::new();
    while let Some(record) = records.next(now).unwrap() {
        let problem = record.body.err().map(|invalid| invalid.0);
        read.push((record.line, problem, record.original));
    }
    let problem = |text: &str| Some(text.to_owned());
    let odd = "\u{fffd},C".to_owned();
    assert_eq!(
        read,
        [
            (
                2,
                problem("external_id contains a sign that nobody sees (U+000A)"),
                "\"a\n1\",C".to_owned()
            ),
            (4, problem("the row has 1 cells, the header 2"), "b".to_owned()),
            (6, problem("external_id contains what is not UTF-8 (U+FFFD)"), odd),
            (7, None, "c,\"say \"\"hi\"\"\"".to_owned()),
        ]
    );
}

#[test]
fn a_line_has_a_length() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("orders.ndjson");
    let head = r#"{"external_id":"1","coupon":"C","pad":""#;
    let line = |bytes: usize| format!("{head}{}\"}}\n", "x".repeat(bytes - head.len() - 2));
    let limit = ingest::native::MAX_LINE_BYTES;
    fs::write(
        &file,
        [line(limit), line(limit + 1), line(3 * limit), line(100)].concat(),
    )
    .unwrap();
    let mut records = Records::open(&file, Format::Ndjson, false).unwrap();
    let mut fits = Vec::new();
    while let Some(record) = records.next(Clock::default().now()).unwrap() {
        fits.push((record.line, record.body.is_ok()));
    }
    assert_eq!(fits, [(1, true), (2, false), (3, false), (4, true)]);
}

#[tokio::test]
async fn a_mended_file_refunds_nothing_twice() {
    let world = testing::database().await;
    let directory = tempfile::tempdir().unwrap();
    let sale = r#"{"external_id":"a","coupon":"JANE10OFF","amount":100}"#;
    let refund = r#"{"type":"refund","external_id":"a","amount":10}"#;
    let refunded = "SELECT refunded::bigint FROM conversions WHERE external_id = 'a'";

    let first = directory.path().join("orders.ndjson");
    fs::write(&first, [sale, refund, "nonsense", refund].join("\n")).unwrap();
    import(&world, &first, usize::MAX / 2).await;
    followed(&world, &first, 0).await;
    assert_eq!(world.count(refunded).await, 20, "equal lines of one file are two");

    let mended = directory.path().join("mended.ndjson");
    let other = r#"{"external_id":"b","coupon":"JANE10OFF","amount":1}"#;
    fs::write(&mended, [sale, refund, other, refund].join("\n")).unwrap();
    import(&world, &mended, usize::MAX / 2).await;
    let followed = followed(&world, &mended, 0).await;
    assert_eq!(world.count(refunded).await, 20);
    assert_eq!(
        followed.unapplied, 3,
        "the sale and both refunds were known, and it is told"
    );
    assert_eq!(reported(&mended)[1]["reason"], "repeated_refund");
    world.prove().await;
}

#[tokio::test]
async fn what_waits_for_its_order_is_told_and_followed_later() {
    let world = testing::database().await;
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("orders.ndjson");
    let lines = [
        r#"{"type":"refund","external_id":"late","amount":1}"#,
        r#"{"type":"refund","external_id":"soon","amount":1}"#,
        r#"{"external_id":"x","coupon":"NOBODY"}"#,
        r#"{"external_id":"soon","coupon":"JANE10OFF","amount":100}"#,
    ];
    fs::write(&file, lines.join("\n")).unwrap();
    import(&world, &file, usize::MAX / 2).await;
    let now = followed(&world, &file, 0).await;
    assert_eq!((now.unapplied, now.parked), (1, 1));
    let told = reported(&file);
    assert_eq!(told.len(), 2, "{told:?}");
    assert_eq!(
        (&told[0]["line"], &told[0]["status"]),
        (&3.into(), &"refused".into())
    );
    assert_eq!(
        (&told[1]["line"], &told[1]["status"]),
        (&1.into(), &"parked".into())
    );
    assert!(told[1]["until"].is_string(), "{told:?}");

    let late = directory.path().join("late.ndjson");
    fs::write(
        &late,
        r#"{"external_id":"late","coupon":"JANE10OFF","amount":100}"#,
    )
    .unwrap();
    import(&world, &late, usize::MAX / 2).await;
    followed(&world, &late, 0).await;
    let before = import(&world, &file, 1).await;
    let later = followed(&world, &file, before.unapplied).await;
    assert_eq!(
        (later.unapplied, later.parked),
        (1, 0),
        "what was told before still counts"
    );
    assert!(later.is_any_new);
    let followed = followed(&world, &file, later.unapplied).await;
    assert!(!followed.is_any_new, "nothing is left to follow");
    world.prove().await;
}

#[test]
fn a_report_is_begun_anew_and_never_written_over_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("orders.csv");
    fs::write(&file, "external_id\n").unwrap();
    assert!(Report::of(&file, Some(&file)).is_err());
    for line in [2, 3] {
        let mut report = report(&file);
        assert_eq!(report.path().is_some(), line == 3, "of an earlier run");
        report.start_anew().unwrap();
        report.invalid(line, "wrong", "x").unwrap();
        report.flush().unwrap();
        assert!(report.path().is_some());
    }
    let told = reported(&file);
    assert_eq!((told.len(), &told[0]["line"]), (1, &3.into()));
}

#[test]
fn a_file_without_records_is_no_import() {
    let directory = tempfile::tempdir().unwrap();
    for (name, content) in [
        ("empty.csv", ""),
        ("header.csv", "external_id,coupon\n"),
        ("blank.ndjson", "\n \n"),
    ] {
        let file = directory.path().join(name);
        fs::write(&file, content).unwrap();
        let refused = records::check(&file, Format::of(&file).unwrap(), false).unwrap_err();
        assert!(refused.to_string().contains("has no records"), "{refused}");
    }
}

#[test]
fn unknown_fields_of_lines_are_told_once() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("orders.ndjson");
    let line = r#"{"external_id":"1","coupon":"C","ammount":1,"meta_data":{"x":1}}"#;
    fs::write(&file, [line, line].join("\n")).unwrap();
    let mut records = Records::open(&file, Format::Ndjson, false).unwrap();
    while let Some(record) = records.next(Clock::default().now()).unwrap() {
        assert!(record.body.is_ok());
    }
    assert_eq!(records.ignored(), ["ammount"]);
}

#[derive(Debug, clap::Parser)]
struct Line {
    #[command(flatten)]
    args: Args,
}

#[test]
fn an_import_leaves_room_for_others() {
    let parse = |rate: u32| {
        let rate = rate.to_string();
        let line = [
            "import",
            "a.csv",
            "--org",
            "demo",
            "--database-url",
            "postgres://x",
            "--rate",
            &rate,
        ];
        <Line as clap::Parser>::try_parse_from(line).map(|line| line.args.rate)
    };
    assert_eq!(parse(MAX_RATE).unwrap(), MAX_RATE);
    assert!(parse(MAX_RATE + 1).is_err());
    assert!(parse(0).is_err());
    let help = <Line as clap::CommandFactory>::command()
        .render_long_help()
        .to_string();
    assert!(help.contains(&MAX_RATE.to_string()), "{help}");
}

//! Imports against a database: each record once, however often it is stopped.

use std::{fmt::Write as _, fs, path::Path};

use common::{
    db::import::{Import, ImportKey},
    message::EventIds,
    runtime::Clock,
    testing::{self, TestDatabase},
};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::{
    follow,
    queue::{self, CHUNK, Job},
    records::{self, Format, Records},
    report::Report,
};

/// Imports `file`; stops when `chunks` more have been queued.
async fn import(world: &TestDatabase, file: &Path, chunks: usize) -> Import {
    let (clock, ids) = (Clock::default(), EventIds::new("secret").unwrap());
    let fingerprint = records::fingerprint(file, None).unwrap();
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
        rate: 1_000_000,
    };
    let mut report = Report::new(file.with_extension("report"));
    let stop = CancellationToken::new();
    let already = usize::try_from(done(world).await).unwrap();
    let mut told = 0;
    let import = queue::run(&job, &mut report, &stop, |_| {
        told += 1;
        if told == already + chunks {
            stop.cancel();
        }
    });
    import.await.unwrap()
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

    let working = CancellationToken::new();
    let worker = worker::Worker {
        pool: world.pool.clone(),
        clock: Clock::default(),
        broker: None,
        instances: common::queue::Instances::default(),
        lanes: 1,
    };
    let worker = tokio::spawn(worker::run(worker, working.clone()));
    let fingerprint = records::fingerprint(&file, None).unwrap();
    let key = ImportKey {
        org: world.org,
        fingerprint: &fingerprint,
    };
    let mut report = Report::new(file.with_extension("report"));
    let followed = follow(&world.pool, key, &mut report, &CancellationToken::new())
        .await
        .unwrap();
    working.cancel();
    worker.await.unwrap();
    assert_eq!(followed, Some(1));
    let report = fs::read_to_string(file.with_extension("report")).unwrap();
    let told: Vec<Value> = report
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let lines: Vec<_> = told
        .iter()
        .map(|one| (one["line"].as_u64().unwrap(), one["status"].as_str().unwrap()))
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
    let mut records = Records::open(&file, Format::Csv).unwrap();
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
            (2, None, "\"a\n1\",C".to_owned()),
            (4, problem("the row has 1 cells, the header 2"), "b".to_owned()),
            (6, problem("the row is not UTF-8"), odd),
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
    let limit = ingest::request::MAX_BODY_BYTES;
    fs::write(
        &file,
        [line(limit), line(limit + 1), line(3 * limit), line(100)].concat(),
    )
    .unwrap();
    let mut records = Records::open(&file, Format::Ndjson).unwrap();
    let mut fits = Vec::new();
    while let Some(record) = records.next(Clock::default().now()).unwrap() {
        fits.push((record.line, record.body.is_ok()));
    }
    assert_eq!(fits, [(1, true), (2, false), (3, false), (4, true)]);
}

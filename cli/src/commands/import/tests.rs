//! Imports against a database: each record once, however often it is stopped.

use std::{fmt::Write as _, fs, path::Path};

use common::{
    domain::Body,
    message::EventIds,
    ops::import::{Import, ImportKey},
    runtime::{Clock, Supervisor},
    testing::{self, TestDatabase},
};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::{
    args::Line,
    dry_run::{self, Owner},
    file,
    format::Format,
    progress::{Followed, Following, follow},
    queue::{self, CHUNK, Job},
    reading::Reading,
    records::{self, LeftOut, Records},
    report::Report,
    rows::MAX_ROW_BYTES,
};

/// Imports `file`; stops when `chunks` more have been queued.
pub(super) async fn import(world: &TestDatabase, file: &Path, chunks: usize) -> Import {
    let (clock, ids) = (Clock::default(), EventIds::new(&"secret".into()).unwrap());
    let fingerprint = fingerprint(file);
    let reading = reading(file);
    let job = Job {
        pool: &world.pool,
        clock: &clock,
        ids: &ids,
        key: ImportKey {
            org: world.org,
            fingerprint: &fingerprint,
        },
        reading: &reading,
        program: None,
        rate: 1_000_000,
    };
    let mut report = report(file);
    let stop = CancellationToken::new();
    let already = usize::try_from(done(world).await).unwrap();
    let mut told = 0;
    let import = queue::run(&job, &mut report, &stop, |_, _| {
        told += 1;
        if told == already + chunks {
            stop.cancel();
        }
        Ok(())
    });
    import.await.unwrap().import
}

fn reading(file: &Path) -> Reading {
    Reading::of(file, Format::of(file, None, None).unwrap())
}

fn fingerprint(file: &Path) -> String {
    file::fingerprint(&reading(file), None).unwrap()
}

pub(super) fn report(file: &Path) -> Report {
    Report::of(
        file,
        Some(&file.with_extension("report")),
        reading(file).format.place(),
    )
    .unwrap()
}

/// Each record of a file: where it is, and what is wrong with it.
fn read(reading: &Reading) -> (Vec<(u64, Option<String>)>, LeftOut) {
    let mut records = Records::open(reading).unwrap();
    let mut all = Vec::new();
    while let Some(record) = records.next(Clock::default().now()).unwrap() {
        all.push((record.place, record.body.err().map(|wrong| wrong.0)));
    }
    (all, records.left_out())
}

fn file(directory: &tempfile::TempDir, name: &str, content: impl AsRef<[u8]>) -> std::path::PathBuf {
    let file = directory.path().join(name);
    fs::write(&file, content).unwrap();
    file
}

/// What the report of `file` says: lines and statuses.
pub(super) fn reported(file: &Path) -> Vec<Value> {
    let report = fs::read_to_string(file.with_extension("report")).unwrap_or_default();
    let lines = report.lines().map(|line| serde_json::from_str(line).unwrap());
    lines.collect()
}

/// Follows the import of `file` with a worker beside it.
pub(super) async fn followed(world: &TestDatabase, file: &Path, import: &Import) -> Followed {
    let supervisor = Supervisor::new();
    let worker = worker::Worker {
        pool: world.pool.clone(),
        clock: Clock::default(),
        broker: None,
        instances: common::queue::Instances::default(),
        lanes: 1,
        progress: worker::Progress::default(),
    };
    worker::start(&worker, &supervisor.group("worker", worker::DRAIN_TIMEOUT));
    let fingerprint = fingerprint(file);
    let key = ImportKey {
        org: world.org,
        fingerprint: &fingerprint,
    };
    let (mut report, stop) = (report(file), CancellationToken::new());
    let following = Following {
        pool: &world.pool,
        clock: &Clock::default(),
        key,
        import,
        last: 1,
    };
    let followed = follow(following, &mut report, &stop).await;
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

    let followed = followed(&world, &file, &import).await;
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
    let csv =
        b"\xef\xbb\xbfexternal_id,coupon,meta_data.note\r\n1,C,\"a\r\nb\"\r\nb\r\n\r\n , ,\t\r\n\xff,C,\r\n\
        c,C,\"say \"\"h\xff\"\"\",,\r\nexternal_id,coupon,meta_data.note\r\nd,C,x,y\r\n\x1a";
    let file = file(&directory, "orders.csv", csv);
    let mut records = Records::open(&reading(&file)).unwrap();
    let now = Clock::default().now();
    let mut read = Vec::new();
    while let Some(record) = records.next(now).unwrap() {
        let problem = record.body.err().map(|invalid| invalid.0);
        read.push((record.place, problem, record.original));
    }
    let problem = |text: &str| Some(text.to_owned());
    let original = |text: &str| text.to_owned();
    assert_eq!(
        read,
        [
            (2, None, original("1,C,\"a\r\nb\"")),
            (4, problem("the row has 1 cells, the header 3"), original("b")),
            (
                7,
                problem("external_id is not UTF-8: save the file as UTF-8, or say in which --encoding it is"),
                original("\u{fffd},C,")
            ),
            (8, None, original("c,C,\"say \"\"h\u{fffd}\"\"\",,")),
            (
                10,
                problem("the row has 4 cells, the header 3"),
                original("d,C,x,y")
            ),
        ]
    );
}

#[test]
fn rows_that_a_quote_swallows_are_told() {
    let directory = tempfile::tempdir().unwrap();
    for (rows, want) in [
        // Two quotes that are not closed in their rows: a cell in good order for other readers.
        (
            "o1,\"C,1\no2,C\",2\no3,C,3\n",
            (2, "looks like whole rows: a quote is not closed"),
        ),
        (
            "o1,\"C,1\no2,C,2\no3,C,3\n",
            (2, "a quote is not closed: all that follows"),
        ),
        (
            "o1,\"C,1\no2,\"C\",2\no3,C,3\n",
            (2, "something follows a closing quote"),
        ),
        (
            "o1,C,1\no2,\"C,1\no3,C,3\n\",4\no5,C,5\n",
            (3, "looks like whole rows"),
        ),
        (
            "o1,\"C,1\no2\",C,2\no3,C,3\n",
            (2, "the row has 4 cells, the header 3 (lines 2 to 3)"),
        ),
    ] {
        let file = file(
            &directory,
            "orders.csv",
            format!("external_id,coupon,amount\n{rows}"),
        );
        let (read, _) = read(&reading(&file));
        let mut wrong = read
            .iter()
            .filter_map(|(line, wrong)| Some((*line, wrong.as_ref()?)));
        let (line, reason) = wrong.next().unwrap();
        assert!(
            line == want.0 && reason.contains(want.1),
            "{rows:?}: {line} {reason}"
        );
        assert_eq!(wrong.next(), None, "{rows:?}");
    }
}

#[test]
fn spreadsheets_of_all_locales_are_read() {
    let directory = tempfile::tempdir().unwrap();
    let rows =
        "external_id;coupon;amount;timestamp\r\n=\"1002\";C;1.5;2025-11-29 10:00:00\r\n'1003;C;2;\r\n;;;\r\n";
    let utf16 = format!("\u{feff}{}", rows.replace(';', "\t"));
    for (name, content) in [
        ("german.csv", rows.as_bytes().to_vec()),
        ("named.csv", format!("sep=;\r\n{rows}").into_bytes()),
        ("mac.csv", rows.replace("\r\n", "\r").into_bytes()),
        (
            "excel.txt",
            utf16.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        ),
        ("sheets.tsv", rows.replace(';', "\t").into_bytes()),
    ] {
        let file = file(&directory, name, content);
        let mut records = Records::open(&Reading {
            timezone: Some("Europe/Berlin".parse().unwrap()),
            ..Reading::of(&file, Format::Csv)
        })
        .unwrap();
        let mut orders = Vec::new();
        while let Some(record) = records.next(Clock::default().now()).unwrap() {
            let Body::CreateConversion(sale) = record.body.unwrap() else {
                panic!("not a sale");
            };
            let at = sale.occurred_at.map(|at| at.to_rfc3339());
            orders.push((sale.external_id.unwrap(), sale.amount.to_string(), at));
        }
        let at = Some("2025-11-29T09:00:00+00:00".to_owned());
        let want = [
            ("1002".to_owned(), "1.5".to_owned(), at),
            ("1003".to_owned(), "2".to_owned(), None),
        ];
        assert_eq!(orders, want, "{name}");
    }
}

#[test]
fn a_list_of_objects_is_read_and_told_by_numbers() {
    let directory = tempfile::tempdir().unwrap();
    let order = |id: &str| format!(r#"{{"external_id":"{id}","coupon":"C","timestamp":"2025-11-29"}}"#);
    let refund = r#"{"type":"refund","external_id":"1","amount":2,"timestamp":"2025-11-29"}"#;
    let list = format!(
        "[{},{},{refund},{}]",
        order("1"),
        order("1.23457E+12"),
        r#"{"coupon":"C"}"#
    );
    let file = file(&directory, "orders.json", list);
    let (read, left_out) = read(&reading(&file));
    let wrong: Vec<_> = read
        .iter()
        .map(|(place, wrong)| (*place, wrong.is_some()))
        .collect();
    assert_eq!(wrong, [(1, false), (2, true), (3, false), (4, true)]);
    assert!(read[1].1.as_ref().unwrap().contains("shortened"));
    assert_eq!(read[3].1.as_deref(), Some("external_id is required (line 1)"));
    assert_eq!(left_out.times, 1, "a refund has no time of its own");
}

#[tokio::test]
async fn the_records_of_a_list_are_one_import_each() {
    let world = testing::database().await;
    let directory = tempfile::tempdir().unwrap();
    let order = |n: usize| format!(r#"{{"external_id":"list-{n}","coupon":"JANE10OFF","amount":1}}"#);
    let list: Vec<String> = (0..1_200).map(order).collect();
    let file = file(&directory, "orders.json", format!("[{}]", list.join(",")));
    let stopped = import(&world, &file, 1).await;
    assert!(!stopped.is_finished);
    let all = import(&world, &file, usize::MAX / 2).await;
    assert_eq!((all.records_done, all.invalid, all.is_finished), (1_200, 0, true));
    let orders = "SELECT count(DISTINCT order_key) FROM events";
    assert_eq!(world.count(orders).await, 1_200);
}

/// The file that the README imports.
#[tokio::test]
async fn the_file_of_the_demo_is_imported_whole() {
    let world = testing::database().await;
    let directory = tempfile::tempdir().unwrap();
    let demo = fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/../demo/orders.csv")).unwrap();
    let file = file(&directory, "orders.csv", demo);
    let imported = import(&world, &file, usize::MAX / 2).await;
    assert_eq!((imported.records_done, imported.invalid), (7, 0));
    let followed = followed(&world, &file, &imported).await;
    assert_eq!(
        (followed.unapplied, followed.parked),
        (0, 0),
        "{:?}",
        reported(&file)
    );
    assert_eq!(reported(&file), Vec::<Value>::new());
    world.prove().await;
}

#[tokio::test]
async fn a_dry_run_looks_into_the_catalog() {
    let world = testing::database().await;
    let directory = tempfile::tempdir().unwrap();
    let rows = "external_id,coupon,referral_code,customer_id,type\n1,JANE10OFF,,,\n2,jane10off,,,\n3,NOBODY,,,\n4,NOBODY,,,\n\
        5,,nobody,,\n6,PENNY10,,,\n,,nobody,c,customer\n8,,janejameson,,\n9,JANE10OFF,,,sale\n8,,,,refund\n";
    let file = file(&directory, "orders.csv", rows);
    let path = directory.path().join("problems");
    let line = [
        "import",
        file.to_str().unwrap(),
        "--org",
        "demo",
        "--database-url",
        "postgres://x",
        "--dry-run",
        "--report",
        path.to_str().unwrap(),
    ];
    let args = <Line as clap::Parser>::try_parse_from(line).unwrap().args;
    let (clock, ids) = (Clock::default(), EventIds::new(&"secret".into()).unwrap());
    let owner = Owner {
        pool: &world.pool,
        ids: &ids,
        org: world.org,
        program: None,
    };
    let refused = dry_run::run(&args, &reading(&file), owner, &clock)
        .await
        .unwrap_err();
    assert!(
        refused.to_string().starts_with("6 records could not"),
        "{refused}"
    );
    let groups = Report::of(&file, Some(&path), "line")
        .unwrap()
        .groups()
        .unwrap()
        .json();
    let told: Vec<_> = groups
        .as_array()
        .unwrap()
        .iter()
        .map(|group| {
            (
                group["reason"].as_str().unwrap(),
                group["count"].as_u64().unwrap(),
                group["first"].as_u64(),
            )
        })
        .collect();
    assert_eq!(told[0], ("unknown_partner", 4, Some(4)));
    assert_eq!(told[1].0, "partner_not_approved");
    assert!(told[2].0.starts_with("type must be"), "{told:?}");
    assert_eq!(groups[0]["details"][0]["count"], 2, "{groups}");
    assert_eq!(world.count("SELECT count(*) FROM events").await, 0);
    assert_eq!(world.count("SELECT count(*) FROM imports").await, 0);
}

#[test]
fn a_line_has_a_length() {
    let directory = tempfile::tempdir().unwrap();
    let head = r#"{"external_id":"1","coupon":"C","pad":""#;
    let line = |bytes: usize| format!("{head}{}\"}}", "x".repeat(bytes - head.len() - 2));
    let limit = ingest::native::MAX_LINE_BYTES;
    let lines = [line(limit), line(limit + 1), line(3 * limit), line(100)];
    for end in ["\n", "\r\n", "\r"] {
        let file = file(&directory, "orders.ndjson", lines.join(end));
        let (read, _) = read(&reading(&file));
        let fits: Vec<_> = read
            .iter()
            .map(|(line, wrong)| (*line, wrong.is_none()))
            .collect();
        assert_eq!(fits, [(1, true), (2, false), (3, false), (4, true)], "{end:?}");
    }
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
    let before = import(&world, &file, usize::MAX / 2).await;
    let now = followed(&world, &file, &before).await;
    assert_eq!((now.unapplied, now.parked), (1, 1));
    let told = reported(&file);
    assert_eq!(told.len(), 2, "{told:?}");
    let of = |at: usize| (told[at]["line"].as_u64(), told[at]["status"].as_str());
    assert_eq!(of(0), (Some(3), Some("refused")));
    assert_eq!(of(1), (Some(1), Some("parked")));
    assert!(told[1]["until"].is_string(), "{told:?}");

    let late = directory.path().join("late.ndjson");
    let sale = r#"{"external_id":"late","coupon":"JANE10OFF","amount":100}"#;
    fs::write(&late, sale).unwrap();
    let imported = import(&world, &late, usize::MAX / 2).await;
    followed(&world, &late, &imported).await;
    let before = import(&world, &file, 1).await;
    let later = followed(&world, &file, &before).await;
    assert_eq!(
        (later.unapplied, later.parked),
        (1, 0),
        "what was told before still counts"
    );
    assert!(later.is_any_new);
    let followed = followed(&world, &file, &before).await;
    assert!(!followed.is_any_new, "nothing is left to follow");
    world.prove().await;
}

#[test]
fn a_report_is_begun_anew_and_never_written_over_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("orders.csv");
    fs::write(&file, "external_id\n").unwrap();
    assert!(Report::of(&file, Some(&file), "line").is_err());
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
        ("header.csv", "external_id,coupon\n,\n"),
        ("blank.ndjson", "\n \n"),
        ("list.json", "[ ]\n"),
    ] {
        let file = file(&directory, name, content);
        let refused = records::check(&reading(&file)).unwrap_err();
        assert!(refused.to_string().contains("has no records"), "{refused}");
    }
    let file = file(&directory, "header.csv", "x".repeat(MAX_ROW_BYTES + 1));
    let refused = records::check(&reading(&file)).unwrap_err();
    assert!(
        refused.to_string().contains("the header is longer than"),
        "{refused}"
    );
}

#[test]
fn unknown_fields_of_lines_are_told_once() {
    let directory = tempfile::tempdir().unwrap();
    let line = r#"{"external_id":"1","coupon":"C","ammount":1,"meta_data":{"x":1}}"#;
    let file = file(&directory, "orders.ndjson", [line, line].join("\n"));
    let (read, left_out) = read(&reading(&file));
    assert_eq!(read, [(1, None), (2, None)]);
    assert_eq!(left_out.fields, ["ammount"]);
}

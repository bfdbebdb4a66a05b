//! Many events at once: in one request, and in a file that outlives its process.

use std::{fmt::Write, fs};

use commissary_tests::{Process, Queue, World};
use serde_json::{Value, json};

on_both_queues!(
    each_line_has_its_own_outcome,
    of_two_changes_the_later_line_wins,
    of_two_changes_the_one_with_the_later_time_wins
);

async fn each_line_has_its_own_outcome(queue: Queue) {
    let world = World::start(queue).await;
    let shop = &world.shop;
    let lines = [
        r#"{"external_id": "one", "coupon": "JANE10OFF", "amount": 100}"#,
        r#"{"external_id": "two", "coupon": "JANE10OFF", "amount": "50.00", "meta_data": {"foo": "bar"}}"#,
        r#"{"external_id": "one", "coupon": "JANE10OFF", "amount": 100}"#,
        r#"{"type": "refund", "external_id": "two", "amount": 25, "refund_id": "r1"}"#,
        r#"{"external_id": "three", "coupon": "NOBODY", "amount": 1}"#,
        r#"{"external_id": "four", "coupon": "JANE10OFF", "amount": "{amount}"}"#,
        "no JSON",
        r#"{"type": "update", "external_id": "one", "status": "approved"}"#,
    ]
    .join("\n");
    let answer = shop.lines(&lines).await.expect(200);
    let of = |line: usize| answer.text(&format!("/results/{line}/status"));
    let statuses: Vec<String> = (0..8).map(of).collect();
    assert_eq!(
        statuses,
        [
            "applied", "applied", "refused", "applied", "refused", "invalid", "invalid", "applied"
        ],
        "{:?}",
        answer.body
    );
    assert_eq!(answer.text("/results/2/reason"), "duplicate_order");
    assert_eq!(answer.text("/results/4/reason"), "unknown_partner");
    assert!(answer.text("/results/5/error").contains("amount"));
    let balance = shop
        .get("/1.6/affiliates/janejameson/balances/")
        .await
        .expect(200);
    // Approved is what a partner is owed; what is left of the second order waits.
    assert_eq!(balance.body, json!({"USD": 10}));

    // The whole request once more: nothing new.
    let again = shop.lines(&lines).await.expect(200);
    assert_eq!(again.text("/results/0/reason"), "duplicate_order");
    assert_eq!(world.count("SELECT count(*) FROM conversions").await, 2);
    assert_eq!(world.count("SELECT count(*) FROM refunds").await, 1);

    let too_many = "{}\n".repeat(1_001);
    shop.lines(&too_many).await.expect(400);
    let too_large = format!(r#"{{"external_id": "{}"}}"#, "x".repeat(1024 * 1024));
    shop.lines(&too_large).await.expect(413);
    world.finish().await;
}

/// They are received in one millisecond.
async fn of_two_changes_the_later_line_wins(queue: Queue) {
    let world = World::start(queue).await;
    let lines: Vec<String> = (0..50)
        .flat_map(|order| {
            [
                json!({"external_id": format!("o{order}"), "coupon": "JANE10OFF", "amount": 1}),
                json!({"type": "update", "external_id": format!("o{order}"), "amount": 10, "status": "disapproved"}),
                json!({"type": "chargeback", "external_id": format!("o{order}")}),
                json!({"type": "update", "external_id": format!("o{order}"), "amount": 20, "status": "approved"}),
                json!({"type": "chargeback_reversal", "external_id": format!("o{order}")}),
            ]
        })
        .map(|line| line.to_string())
        .collect();
    let answer = world.shop.lines(&lines.join("\n")).await.expect(200);
    assert_eq!(answer.body["applied"], json!(250));
    assert_eq!(
        world
            .count("SELECT count(*) FROM conversions WHERE amount = 20 AND NOT charged_back")
            .await,
        50
    );
    let payable = "SELECT count(*) FROM commissions WHERE kind = 'regular' AND approved AND payable = 2";
    assert_eq!(world.count(payable).await, 50);
    world.finish().await;
}

/// In another order than the one in which they were made, by two ways, and what cannot have a time says so.
async fn of_two_changes_the_one_with_the_later_time_wins(queue: Queue) {
    let world = World::start(queue).await;
    let shop = &world.shop;
    let lines = [
        json!({"external_id": "o1", "coupon": "PETER10", "amount": 100, "customer_id": "c1", "timestamp": "2026-03-01"}),
        json!({"type": "update", "external_id": "o1", "amount": 30, "status": "disapproved", "timestamp": "2026-03-04"}),
        json!({"type": "update", "external_id": "o1", "amount": 20, "status": "approved", "timestamp": "2026-03-03"}),
        json!({"type": "chargeback_reversal", "external_id": "o1", "timestamp": "2026-03-03T12:00:00Z"}),
        json!({"type": "chargeback", "external_id": "o1", "timestamp": "2026-03-03T11:59:59.999Z"}),
        json!({"type": "customer_update", "customer_id": "c1", "status": "active", "timestamp": "2026-03-03"}),
        json!({"type": "customer_update", "customer_id": "c1", "status": "canceled", "timestamp": "2026-03-02"}),
        json!({"type": "refund", "external_id": "o1", "amount": 3, "timestamp": "2026-03-02"}),
        json!({"type": "update", "external_id": "o1", "amount": 1, "timestamp": "2100-01-01"}),
    ];
    let lines: Vec<String> = lines.iter().map(ToString::to_string).collect();
    let answer = shop.lines(&lines.join("\n")).await.expect(200);
    assert_eq!((answer.number("/applied"), answer.number("/invalid")), (8.0, 1.0));
    assert_eq!(
        answer.text("/results/8/error"),
        "timestamp is more than a day in the future"
    );
    let warned: Vec<usize> = (0..9)
        .filter(|line| answer.body["results"][line]["warnings"].is_array())
        .collect();
    assert_eq!(warned, [7], "{:?}", answer.body);
    assert_eq!(
        answer.text("/results/7/warnings/0"),
        "timestamp is ignored: a refund counts whenever it was"
    );
    let stands = "SELECT count(*) FROM conversions o JOIN customers c USING (org_id, customer_id)
                  WHERE o.amount = 30 AND NOT o.approved_by_status AND NOT o.charged_back AND NOT c.canceled AND o.refunded = 3";
    assert_eq!(world.count(stands).await, 1);

    // An import brings what happened in between, and a person has decided meanwhile.
    let commission = world.count("SELECT commission_id FROM commissions").await;
    let url = format!("{}/1.6/commissions/{commission}/", shop.api);
    let (key, yes) = ([("X-Api-Key", "demo-key")], json!({"approved": true}));
    let decided = shop.call(reqwest::Method::PATCH, &url, &key, Some(&yes)).await;
    decided.unwrap().expect(200);
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("changes.csv");
    let rows = "type,external_id,amount,status,timestamp\nupdate,o1,25,disapproved,2026-03-04 12:00:00\nrefund,o1,2,,2026-03-01\n\
                update,o1,26,,2026-03-02\n";
    fs::write(&file, rows).unwrap();
    let file = file.to_str().unwrap();
    let told = world
        .commissary(&["import", file, "--org", "demo", "--json"])
        .await
        .well()
        .json();
    assert_eq!((&told["records"], &told["ignored_times"]), (&json!(3), &json!(1)));
    let report = fs::read_to_string(format!("{file}.report.ndjson")).unwrap();
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!(
        report,
        json!({"line": 3, "status": "warning", "reason": "timestamp is ignored: a refund counts whenever it was"})
    );
    let stands = "SELECT count(*) FROM conversions c JOIN commissions m USING (org_id, conversion_id)
                  WHERE c.amount = 25 AND c.refunded = 5 AND m.approved AND m.payable = 2";
    assert_eq!(world.count(stands).await, 1);
    let explained = world.commissary(&["explain", "o1", "--org", "demo"]).await.well();
    assert!(
        explained
            .out
            .contains("its amount is of 2026-03-02 00:00:00 UTC and changed nothing"),
        "{explained:?}"
    );
    world.finish().await;
}

const ORDERS: i64 = 4_000;

/// Killed in the middle and started again, beside live traffic: each order is there once.
#[tokio::test(flavor = "multi_thread")]
async fn an_import_that_is_killed_goes_on() {
    let world = World::start(Queue::Rabbit).await;
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("orders.csv");
    let mut rows = "external_id,coupon,amount,meta_data.batch\n".to_owned();
    for order in 0..ORDERS {
        writeln!(rows, "import-{order},JANE10OFF,10.00,a").unwrap();
    }
    rows += "import-0,JANE10OFF,10.00,a\nodd,,\nlost,NOBODY,1,\n";
    fs::write(&file, rows).unwrap();
    let file = file.to_str().unwrap();
    let import = ["import", file, "--org", "demo", "--json"];

    let mut killed = Process::start("import", &mut world.command(&import), directory.path());
    world
        .until("count(*) BETWEEN 100 AND 2000 FROM conversions")
        .await;
    killed.kill9().await;
    world.shop.track("live", 100).await.expect(200);

    let finished = world.commissary(&import).await;
    assert_eq!(
        finished.code,
        Some(1),
        "some rows could not be imported: {finished:?}"
    );
    let told = finished.json();
    assert_eq!(told["records"], json!(ORDERS + 3));
    assert_eq!(told["finished"], json!(true));
    let count = "SELECT count(*) FROM conversions WHERE external_id LIKE 'import-%'";
    assert_eq!(world.count(count).await, ORDERS);
    let report = fs::read_to_string(format!("{file}.report.ndjson")).unwrap();
    for reason in [r#""status":"already_there""#, "unknown_partner"] {
        assert_eq!(report.matches(reason).count(), 1, "{report}");
    }
    assert_eq!(report.lines().count(), 3, "{report}");

    let again = world.commissary(&import).await;
    assert_eq!(world.count(count).await, ORDERS, "{again:?}");
    world.finish().await;
}

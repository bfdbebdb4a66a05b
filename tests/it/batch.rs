//! Many events at once: in one request, and in a file that outlives its process.

use std::{fmt::Write, fs};

use commissary_tests::{Process, Queue, World};
use serde_json::json;

on_both_queues!(each_line_has_its_own_outcome, of_two_changes_the_later_line_wins);

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

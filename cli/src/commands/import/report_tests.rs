//! What the report of an import says of records that change nothing, and of what was left out of them.

use std::fs;

use common::testing;
use serde_json::json;

use super::tests::{followed, import, report, reported};

#[tokio::test]
async fn a_mended_file_counts_nothing_twice() {
    let world = testing::database().await;
    let directory = tempfile::tempdir().unwrap();
    let sale = r#"{"external_id":"a","coupon":"JANE10OFF","amount":100}"#;
    let refund = r#"{"type":"refund","external_id":"a","amount":10}"#;
    let refunded = "SELECT refunded::bigint FROM conversions WHERE external_id = 'a'";

    let first = directory.path().join("orders.ndjson");
    fs::write(&first, [sale, refund, "nonsense", refund].join("\n")).unwrap();
    let imported = import(&world, &first, usize::MAX / 2).await;
    followed(&world, &first, &imported).await;
    assert_eq!(world.count(refunded).await, 10, "equal refunds are one");

    let mended = directory.path().join("mended.ndjson");
    let respelled = r#"{"coupon":"jane10off","amount":"100.00","external_id":"a"}"#;
    let otherwise = r#"{"external_id":"a","coupon":"JANE10OFF","amount":101}"#;
    let other = r#"{"external_id":"b","coupon":"JANE10OFF","amount":1}"#;
    let another = r#"{"type":"refund","external_id":"a","amount":10,"refund_id":"r2"}"#;
    fs::write(
        &mended,
        [sale, refund, other, respelled, otherwise, another].join("\n"),
    )
    .unwrap();
    let imported = import(&world, &mended, usize::MAX / 2).await;
    let followed = followed(&world, &mended, &imported).await;
    assert_eq!(world.count(refunded).await, 20);
    assert_eq!(
        followed.unapplied, 1,
        "the sale is there, and says something else once; a refund that was applied is none that was not imported"
    );
    let told = reported(&mended);
    let of = |at: usize| {
        let text = |name: &str| told[at][name].as_str().unwrap();
        (told[at]["line"].as_u64().unwrap(), text("status"), text("reason"))
    };
    assert_eq!(
        [of(0), of(1), of(2), of(3)],
        [
            (1, "already_there", "already_there"),
            (2, "applied", "repeated_refund"),
            (4, "already_there", "already_there"),
            (5, "refused", "duplicate_order"),
        ]
    );
    let groups = report(&mended).groups().unwrap().json();
    let count = |of: usize| {
        (
            groups[of]["reason"].as_str().unwrap(),
            groups[of]["count"].as_u64().unwrap(),
        )
    };
    assert_eq!(
        (count(0), count(1), count(2)),
        (
            ("already_there", 2),
            ("repeated_refund", 1),
            ("duplicate_order", 1)
        )
    );
    world.prove().await;
}

#[tokio::test]
async fn what_was_left_out_of_records_is_in_the_report() {
    let world = testing::database().await;
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("orders.csv");
    let rows = [
        "external_id,coupon,amount,currency,customer_id",
        "1,JANE10OFF,10.5,JPY,undefined",
        "2,JANE10OFF,10,JPY,c2",
        "3,JANE10OFF,10.5,JPY,c3",
        "4,JANE10OFF,x,JPY,c4",
    ];
    fs::write(&file, rows.join("\n")).unwrap();
    import(&world, &file, usize::MAX / 2).await;
    let groups = report(&file).groups().unwrap().json();
    let of = |at: usize| {
        (
            groups[at]["status"].clone(),
            groups[at]["count"].clone(),
            groups[at]["lines"].clone(),
        )
    };
    let group = |status: &str, count: i64, lines: &[i64]| (json!(status), json!(count), json!(lines));
    assert_eq!(of(0), group("warning", 2, &[2, 4]), "{groups}");
    assert_eq!(groups[0]["reason"], "amount has decimals, and JPY has none");
    assert_eq!(of(1), group("warning", 1, &[2]), "{groups}");
    assert!(
        groups[1]["reason"]
            .as_str()
            .unwrap()
            .starts_with("customer_id is a placeholder")
    );
    assert_eq!(of(2), group("invalid", 1, &[5]), "{groups}");
}

use common::{fuzzing::fuzz, runtime::Clock};

use super::{format::Format, reading::Reading, records::Records};

/// Reads each file to its end: every record is one or says why it is none, and its place grows.
fn read_all(format: Format, good: &[&str]) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("orders");
    let good: Vec<Vec<u8>> = good.iter().map(|text| text.as_bytes().to_vec()).collect();
    let now = Clock::default().now();
    fuzz(&good, |bytes| {
        std::fs::write(&path, bytes).unwrap();
        for ignore_unknown in [false, true] {
            let reading = Reading {
                ignore_unknown,
                ..Reading::of(&path, format)
            };
            let Ok(mut records) = Records::open(&reading) else {
                continue;
            };
            let mut place = 0;
            while let Ok(Some(record)) = records.next(now) {
                assert!(record.place > place, "places grow");
                place = record.place;
                if let Err(wrong) = &record.body {
                    assert!(!wrong.0.is_empty());
                }
            }
        }
    });
}

#[test]
fn whatever_is_in_a_table_is_read_or_told() {
    let orders = include_str!("../../../../demo/orders.csv");
    read_all(
        Format::Csv,
        &[
            orders,
            "external_id,coupon,amount,timestamp\no1,C,\"1,50\",2026-11-20\no2,\"C \"\"x\"\"\",2,\n",
            "external_id;coupon;amount;meta_data[a]\r\no1;C;1.50;x\r\no2;C;\"2\n3\";y\r\n",
            "external_id\tcoupon\tamount\no1\tC\t1\n",
        ],
    );
}

#[test]
fn whatever_is_in_lines_is_read_or_told() {
    read_all(
        Format::Ndjson,
        &[
            "{\"external_id\":\"o1\",\"coupon\":\"C\",\"amount\":1.50}\n\n{\"type\":\"refund\",\"external_id\":\"o1\"}\n",
            "{\"type\":\"customer\",\"customer_id\":\"c\",\"meta_data\":{\"a\":{\"b\":[1]}}}\n",
        ],
    );
}

#[test]
fn whatever_is_in_a_list_is_read_or_told() {
    read_all(
        Format::Json,
        &[
            "[{\"external_id\":\"o1\",\"coupon\":\"C\",\"amount\":1.50},\n {\"type\":\"refund\",\"external_id\":\"o1\"}]",
            "{\"external_id\":\"o1\",\"coupon\":\"C\"} {\"external_id\":\"o2\",\"coupon\":\"C\"}",
        ],
    );
}

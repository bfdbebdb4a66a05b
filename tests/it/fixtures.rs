//! Envelopes and rows as earlier versions wrote them (tests/fixtures): this version migrates the rows and applies the envelopes.

use std::path::{Path, PathBuf};

use commissary_tests::{Queue, World, envelope};
use common::message::Envelope;
use serde_json::{Value, json};

on_both_queues!(what_version_5_wrote_is_read_and_applied);

fn file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(path)
}

async fn what_version_5_wrote_is_read_and_applied(queue: Queue) {
    let world = World::of(queue).rows(&file("v5/rows.sql")).start().await;
    world.ledger_is_right().await;
    let listed = world.shop.get("/1.6/conversions/").await.expect(200);
    assert_eq!(listed.body.as_array().unwrap().len(), 3, "{listed:?}");
    assert_eq!(
        world
            .shop
            .get("/1.6/conversions/3/meta-data/")
            .await
            .expect(200)
            .body,
        json!({"note": "kept"})
    );
    world.shop.track("old-1", 100).await.expect(409);

    let lines = std::fs::read_to_string(file("v5/envelopes.ndjson")).unwrap();
    let mut events = Vec::new();
    for line in lines.lines() {
        let read: Value = serde_json::from_str(line).unwrap();
        assert_eq!(read["v"], 5);
        let read = Envelope::decode(line.as_bytes()).unwrap_or_else(|error| panic!("{error}: {line}"));
        events.extend(read.events);
    }
    // As if they had been sent just now, in the same order.
    let now = world
        .events(events.iter().map(|event| event.body.clone()).collect())
        .await;
    let sent: Vec<_> = events
        .into_iter()
        .zip(now)
        .map(|(mut event, now)| {
            (event.id, event.received_at) = (now.id, now.received_at);
            envelope(&[event])
        })
        .collect();
    world.publish(&sent).await;
    let count = sent.len();
    world.until(&format!("(SELECT count(*) FROM events WHERE status IN ('applied', 'refused', 'parked', 'dead') AND dialect <> 'internal') >= 8 + {count}")).await;
    world.drained(0).await;
    let outcomes = world
        .sql("SELECT status, coalesce(reason, ''), count(*) FROM events GROUP BY 1, 2 ORDER BY 1, 2")
        .await;
    assert_eq!(
        outcomes,
        "applied||27\nrefused|duplicate_order|1\nrefused|unknown_click|1\nrefused|unknown_customer|2"
    );
    world.finish().await;
}

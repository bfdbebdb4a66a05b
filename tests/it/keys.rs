//! Keys that come and go while an ingest runs.

use std::time::Duration;

use commissary_tests::{Queue, World, wait_until};
use serde_json::{Value, json};

/// The promise of `keys revoke`.
const REVOKED: Duration = Duration::from_secs(5);

fn order(id: &str) -> Value {
    json!({"order_id": id, "total_amount": 100, "customer": {"email": "a@example.com"}})
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_counts_at_once_and_no_longer_when_revoked() {
    let world = World::start(Queue::Spool).await;
    let shop = &world.shop;
    shop.track_as("nobodys-key", "PARTNER_CODE", &order("0"))
        .await
        .expect(401);

    let created = world
        .commissary(&["keys", "create", "--org", "demo", "--name", "a shop", "--json"])
        .await
        .well();
    let created = created.json();
    let key = created["key"].as_str().unwrap();
    shop.track_as(key, "PARTNER_CODE", &order("1")).await.expect(200);

    let id = created["created"]["key_id"].to_string();
    world
        .commissary(&["keys", "revoke", "--org", "demo", &id])
        .await
        .well();
    wait_until("the key is refused", REVOKED, async || {
        shop.track_as(key, "PARTNER_CODE", &order("1")).await.status == 401
    })
    .await;
    // Others are not touched.
    shop.track_as("demo-key", "PARTNER_CODE", &order("2"))
        .await
        .expect(200);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_open_only_what_is_theirs() {
    let world = World::start(Queue::Spool).await;
    let shop = &world.shop;
    shop.track_as("locked-key", "PARTNER_CODE", &order("1"))
        .await
        .expect(403);
    shop.track_as("demo-read-key", "PARTNER_CODE", &order("1"))
        .await
        .expect(403);
    let other = shop
        .track_as("other-key", "PARTNER_CODE", &order("1"))
        .await
        .expect(200);
    assert_eq!(
        other.body["success"],
        json!(false),
        "another organisation's coupon is unknown: {other:?}"
    );
    shop.track("theirs", 100).await.expect(200);
    let seen = shop
        .get_as("/1.6/conversions/?external_id=theirs", Some("other-key"))
        .await
        .expect(200);
    assert_eq!(seen.body, json!([]));
    world.finish().await;
}

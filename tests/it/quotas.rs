//! A quota of an organisation is held by a running ingest as soon as it is set, and touches nobody else.

use std::time::Duration;

use commissary_tests::{Queue, World, wait_until};
use reqwest::Method;
use serde_json::{Value, json};

const SOON: Duration = Duration::from_secs(20);

on_both_queues!(
    a_quota_holds_when_it_is_set_and_is_told,
    what_is_under_way_makes_room_when_it_is_decided,
);

async fn set(world: &World, quotas: &Value) {
    let url = format!("{}/v1/org", world.shop.api);
    let headers = [("X-Api-Key", "demo-key")];
    let changed = world
        .shop
        .call(Method::PATCH, &url, &headers, Some(quotas))
        .await
        .unwrap();
    assert_eq!(changed.status, 200, "{changed:?}");
}

async fn sale(world: &World, key: &str, code: &str, order: &str, more: &[(&str, &str)]) -> u16 {
    let body = json!({"order_id": order, "total_amount": 1, "customer": {"email": "a@b.example"}});
    let url = format!("{}/api/affiliates/track/{code}", world.shop.ingest);
    let headers = [&[("Y-API-Key", key)], more].concat();
    world
        .shop
        .call(Method::POST, &url, &headers, Some(&body))
        .await
        .unwrap()
        .status
}

async fn a_quota_holds_when_it_is_set_and_is_told(queue: Queue) {
    let world = World::start(queue).await;
    set(&world, &json!({"events_per_minute": 1})).await;
    let mut sold = 0;
    wait_until("the quota is known to the ingest", SOON, async || {
        sold += 1;
        sale(&world, "demo-key", "PARTNER_CODE", &format!("q{sold}"), &[]).await == 429
    })
    .await;
    assert_eq!(
        sale(&world, "other-key", "JANE10OFF", "neighbour", &[]).await,
        200
    );
    wait_until("the rejections tell it", SOON, async || {
        let words = [
            "rejections",
            "--json",
            "--org",
            "demo",
            "--reason",
            "quota_exceeded",
        ];
        let shown = world.commissary(&words).await.well().json();
        shown[0]["field"] == "events_per_minute"
            && shown[0]["message"].as_str().unwrap().contains("quota of 1")
    })
    .await;
    let url = format!("{}/metrics", world.shop.ingest);
    let metrics = reqwest::get(&url).await.unwrap().text().await.unwrap();
    assert!(
        metrics
            .lines()
            .any(|line| line.contains("requests_rejected_total") && line.contains("quota_exceeded")),
        "{metrics}"
    );
    set(&world, &json!({"events_per_minute": null})).await;
    wait_until("the quota is lifted", SOON, async || {
        sold += 1;
        sale(&world, "demo-key", "PARTNER_CODE", &format!("q{sold}"), &[]).await == 200
    })
    .await;
    world.finish().await;
}

async fn what_is_under_way_makes_room_when_it_is_decided(queue: Queue) {
    let mut world = World::of(queue).workers(0).start().await;
    set(&world, &json!({"events_under_way": 3})).await;
    let later = [("Prefer", "respond-async")];
    let mut taken = 0;
    wait_until("the quota is used up", SOON, async || {
        taken += 1;
        assert!(taken < 1_000, "a quota of 3 is never used up");
        sale(&world, "demo-key", "PARTNER_CODE", &format!("u{taken}"), &later).await == 429
    })
    .await;
    world.start_worker(None).await;
    wait_until("there is room again", SOON, async || {
        taken += 1;
        sale(&world, "demo-key", "PARTNER_CODE", &format!("u{taken}"), &later).await == 202
    })
    .await;
    world.finish().await;
}

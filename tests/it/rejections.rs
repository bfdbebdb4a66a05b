//! What is turned away before it becomes an event is counted and shown, without what nobody else may see.

use std::time::Duration;

use commissary_tests::{Queue, World, wait_until};
use reqwest::Method;
use serde_json::{Value, json};

const SOON: Duration = Duration::from_secs(20);

async fn shown(world: &World, arguments: &[&str]) -> Vec<Value> {
    let words = [&["rejections", "--json"], arguments].concat();
    let shown = world.commissary(&words).await.well().json();
    shown.as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_turned_away_is_told() {
    let world = World::start(Queue::Spool).await;
    let shop = &world.shop;
    let wrong =
        json!({"order_id": "{order_id}", "total_amount": 100, "customer": {"email": "secret@example.com"}});
    for _ in 0..3 {
        shop.track_as("demo-key", "PARTNER_CODE", &wrong)
            .await
            .expect(400);
    }
    shop.track_as("demo-read-key", "PARTNER_CODE", &wrong)
        .await
        .expect(403);
    shop.track_as("other-key", "PARTNER_CODE", &json!({}))
        .await
        .expect(400);
    shop.track_as("nobodys-key", "PARTNER_CODE", &wrong)
        .await
        .expect(401);
    wait_until("they are written", SOON, async || {
        let groups = shown(&world, &[]).await;
        groups
            .iter()
            .filter_map(|group| group["count"].as_i64())
            .sum::<i64>()
            == 5
    })
    .await;
    let of_field = shown(&world, &["--org", "demo", "--field", "order_id"]).await;
    let [group] = &of_field[..] else {
        panic!("{of_field:?}")
    };
    assert_eq!(
        (
            &group["dialect"],
            &group["method"],
            &group["reason"],
            &group["count"]
        ),
        (&json!("yaplet"), &json!("POST"), &json!("invalid"), &json!(3))
    );
    assert_eq!(group["route"], "/api/affiliates/track/{code}");
    assert_eq!(group["sample"]["order_id"], "\"{order_id}\"");
    assert!(!group.to_string().contains("secret@example.com"), "{group}");
    assert_eq!(
        shown(&world, &["--org", "demo", "--reason", "forbidden"])
            .await
            .len(),
        1
    );
    let table = world.commissary(&["rejections", "--org", "demo"]).await.well();
    assert!(table.out.contains("order_id is an unresolved macro"), "{table:?}");

    // Each organisation sees its own.
    let of_other = shop.get_as("/v1/rejections", Some("other-key")).await.expect(200);
    let of_other = of_other.body["rejections"].as_array().unwrap().clone();
    assert!(
        of_other.iter().all(|group| group["org"] == "other") && of_other.len() == 1,
        "{of_other:?}"
    );
    let filtered = shop
        .get_as("/v1/rejections?field=order_id&since=2001-01-01", Some("demo-key"))
        .await
        .expect(200);
    assert_eq!(filtered.body["rejections"].as_array().unwrap().len(), 1);
    shop.get_as("/v1/rejections", Some("demo-program-key"))
        .await
        .expect(403);
    shop.get_as("/v1/rejections?since=yesterday", Some("demo-key"))
        .await
        .expect(400);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_that_has_an_event_names_it_and_is_no_rejection() {
    let world = World::start(Queue::Spool).await;
    let shop = &world.shop;
    let unknown = json!({"coupon": "NOBODY", "amount": 1, "external_id": "x"});
    let refused = shop
        .call(
            Method::POST,
            &format!("{}/1.6/conversions/", shop.ingest),
            &[("X-Api-Key", "demo-key")],
            Some(&unknown),
        )
        .await
        .unwrap();
    assert_eq!(refused.status, 400);
    let event = refused.text("/event_id").clone();
    assert_eq!(refused.header("x-event-id"), Some(event.as_str()));
    shop.get_as(&format!("/v1/events/{event}"), Some("demo-key"))
        .await
        .expect(200);

    // This one comes later, and it is the only one.
    shop.rest("/conversions/", &json!({"amount": "x"}))
        .await
        .expect(400);
    wait_until("it is written", SOON, async || {
        !shown(&world, &[]).await.is_empty()
    })
    .await;
    let groups = shown(&world, &[]).await;
    assert_eq!(
        (groups.len(), &groups[0]["field"]),
        (1, &json!("amount")),
        "{groups:?}"
    );
    world.finish().await;
}

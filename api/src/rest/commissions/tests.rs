use common::testing;
use serde_json::json;

use crate::testing::Client;

/// The number of a pending commission of jane's.
async fn commission(client: &Client) -> i64 {
    client
        .convert(json!({"coupon": "JANE10OFF", "amount": 100}))
        .await
}

#[tokio::test]
async fn approving_pays_and_disapproving_takes_back() {
    let database = testing::database().await;
    let client = Client::over(&database.pool);
    let id = commission(&client).await;
    let path = format!("/1.6/commissions/{id}/approved/");
    let balance = async || client.get("/1.6/affiliates/janejameson/balances/").await.json["USD"].clone();
    for _ in 0..2 {
        let answer = client.put(&path, &json!([])).await;
        assert_eq!((answer.status, &answer.json["approved"]), (200, &json!(true)));
        assert_eq!(balance().await, json!(10));
    }
    let answer = client.delete(&path).await;
    assert_eq!((answer.status, &answer.json["approved"]), (200, &json!(false)));
    assert!(balance().await.is_null());
    database.prove().await;
}

#[tokio::test]
async fn only_who_may_approves() {
    let database = testing::database().await;
    let client = Client::over(&database.pool);
    let id = commission(&client).await;
    let path = format!("/1.6/commissions/{id}/approved/");
    for (key, status) in [
        ("demo-read-key", 403),
        ("other-key", 404),
        ("demo-program-key", 403),
        ("wrong", 401),
    ] {
        assert_eq!(
            client.with_key(key).put(&path, &json!({})).await.status,
            status,
            "{key}"
        );
    }
    assert_eq!(
        client
            .put("/1.6/commissions/999999/approved/", &json!({}))
            .await
            .status,
        404
    );
    let unchanged = client.get(&format!("/1.6/commissions/{id}/")).await;
    assert!(unchanged.json["approved"].is_null());
    let events = "SELECT count(*) FROM events WHERE kind = 'edit_commission'";
    assert_eq!(database.count(events).await, 0);
}

#[tokio::test]
async fn one_key_is_one_change_and_one_entry_of_the_trail() {
    let database = testing::database().await;
    let client = Client::over(&database.pool);
    let id = commission(&client).await;
    let path = format!("/1.6/commissions/{id}/approved/");
    let once = client.with_header("idempotency-key", "approval-1");
    for _ in 0..2 {
        assert_eq!(once.put(&path, &json!({})).await.json["approved"], json!(true));
    }
    assert_eq!(once.delete(&path).await.status, 422);
    let trail = "SELECT count(*) FROM audit_entries WHERE action = 'edit_commission' AND actor_kind = 'key'
        AND event_id IS NOT NULL AND request_id IS NOT NULL";
    assert_eq!(database.count(trail).await, 1);
    database.prove().await;
}

use common::{
    domain::{Applied, Body, Refund},
    testing,
};
use serde_json::{Value, json};

use crate::{
    rest::access::assert_only_managers,
    testing::{Answer, Client},
};

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

async fn patch(client: &Client, path: &str, body: &Value) -> Answer {
    client.call("PATCH", path, body.to_string()).await
}

#[tokio::test]
async fn only_what_is_sent_changes() {
    let database = testing::database().await;
    let client = Client::over(&database.pool);
    let path = format!("/1.6/commissions/{}/", commission(&client).await);
    let sent = json!({"amount": "30.55", "comment": "\"foo bar\"", "approved": "True"});
    let answer = patch(&client, &path, &sent).await;
    assert_eq!(answer.status, 200, "{}", answer.json);
    assert_eq!(
        (
            &answer.json["amount"],
            &answer.json["comment"],
            &answer.json["approved"]
        ),
        (&json!(30.55), &json!("\"foo bar\""), &json!(true))
    );
    assert_eq!(client.get(&path).await.json, answer.json, "as it is read");
    database.prove().await;
    let recalculated = patch(&client, &path, &json!({"conversion_sub_amount": 50.01}))
        .await
        .json;
    assert_eq!(
        (
            &recalculated["conversion_sub_amount"],
            &recalculated["amount"],
            &recalculated["approved"]
        ),
        (&json!(50.01), &json!(5), &json!(true))
    );
    // seed: the new value for the commission and its conversion.
    let conversion = format!("/1.6/conversions/{}/", recalculated["conversion"]["id"]);
    assert_eq!(client.get(&conversion).await.json["amount"], json!(50.01));
    for nothing in [json!({}), json!([]), json!({"approved": null, "comment": ""})] {
        assert_eq!(
            patch(&client, &path, &nothing).await.json,
            recalculated,
            "{nothing}"
        );
    }
    let balance = client.get("/1.6/affiliates/janejameson/balances/").await.json;
    assert_eq!(balance, json!({"USD": 5}));
    database.prove().await;
    let both = json!({"conversion_sub_amount": 10, "amount": 7, "approved": false});
    let both = patch(&client, &path, &both).await.json;
    assert_eq!((&both["amount"], &both["approved"]), (&json!(7), &json!(false)));
    database.prove().await;
}

#[tokio::test]
async fn what_is_malformed_changes_no_commission() {
    let database = testing::database().await;
    let client = Client::over(&database.pool);
    let path = format!("/1.6/commissions/{}/", commission(&client).await);
    let before = client.get(&path).await.json;
    for body in [
        r#"{"amount": -1}"#,
        r#"{"amount": 9999999999999999}"#,
        r#"{"amount": 1, "approved": "perhaps"}"#,
        r#"{"conversion_sub_amount": []}"#,
        "[1]",
        "{",
    ] {
        assert_eq!(client.call("PATCH", &path, body).await.status, 400, "{body}");
    }
    assert_eq!(client.get(&path).await.json, before);
    assert_only_managers(&database, &client, ("PATCH", &path), &json!({"amount": 1})).await;
    for id in ["999999", "abc", "%00", "cm_none"] {
        let path = format!("/1.6/commissions/{id}/");
        assert_eq!(
            patch(&client, &path, &json!({"amount": 1})).await.status,
            404,
            "{id}"
        );
    }
    let edits = "SELECT count(*) FROM events WHERE kind = 'edit_commission' AND status = 'applied'";
    assert_eq!(database.count(edits).await, 0);
    database.prove().await;
}

#[tokio::test]
async fn approving_while_the_order_is_refunded_ends_at_zero() {
    let database = testing::database().await;
    let client = Client::over(&database.pool);
    for round in 0..8 {
        let order = format!("ORD{round}");
        let sale = json!({"coupon": "JANE10OFF", "amount": 100, "external_id": order});
        let path = format!("/1.6/commissions/{}/approved/", client.convert(sale).await);
        let refund = Refund {
            external_id: order,
            ..Refund::default()
        };
        let body = json!([]);
        let (approved, refunded) = tokio::join!(client.put(&path, &body), client.apply(Body::Refund(refund)));
        assert_eq!(approved.status, 200, "{}", approved.json);
        assert!(matches!(refunded, Applied::Refund(_)));
        let balance = client.get("/1.6/affiliates/janejameson/balances/").await.json;
        assert_eq!(balance, json!({}), "round {round}");
    }
    database.prove().await;
}

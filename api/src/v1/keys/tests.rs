use common::testing;
use serde_json::{Value, json};

use crate::testing::Client;

async fn create(client: &Client, body: &Value) -> (u16, Value) {
    let answer = client.call("POST", "/v1/keys", body.to_string()).await;
    (answer.status, answer.json)
}

#[tokio::test]
async fn a_key_is_shown_once_counts_and_is_revoked() {
    let database = testing::database().await;
    let client = Client::over(&database.pool).with_header("idempotency-key", "once");
    let new = json!({"name": "reports", "scopes": ["read"], "program": "partner-program", "timezone": "Asia/Tokyo",
        "repeats": "first"});
    let (status, created) = create(&client, &new).await;
    assert_eq!(status, 200, "{created}");
    let key = created["key"].as_str().unwrap().to_owned();
    assert_eq!(created["created"]["scopes"], json!(["read"]));
    assert_eq!(created["created"]["owner"], "John Tapper");
    assert_eq!(created["created"]["repeats"], "first");
    let (status, again) = create(&client, &new).await;
    assert_eq!(
        (status, &again["key"], &again["created"]),
        (200, &Value::Null, &created["created"])
    );
    assert_eq!(create(&client, &json!({"name": "another"})).await.0, 422);

    let client = Client::over(&database.pool);
    let listed = client.get("/v1/keys").await.json;
    assert!(listed["keys"].as_array().unwrap().contains(&created["created"]));
    assert!(!listed.to_string().contains(&key));
    let mine = client.with_key(&key);
    assert_eq!(mine.get("/1.6/conversions/").await.status, 200);
    let path = format!("/v1/keys/{}", created["created"]["id"]);
    assert_eq!(client.with_key("other-key").delete(&path).await.status, 404);
    let revoked = client.delete(&path).await;
    assert!(revoked.status == 200 && revoked.json["revoked_at"].is_string());
    assert_eq!(client.delete(&path).await.json, revoked.json, "again");
    assert_eq!(mine.get("/1.6/conversions/").await.status, 401);
    let trail = client
        .get(&format!("/v1/audit?subject=key/{}", created["created"]["id"]))
        .await
        .json;
    let actions: Vec<_> = trail["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["action"].clone())
        .collect();
    assert_eq!(actions, ["key.revoke", "key.create"]);
    assert!(!trail.to_string().contains(&key));
}

#[tokio::test]
async fn what_is_wrong_is_named_and_makes_no_key() {
    let database = testing::database().await;
    let client = Client::over(&database.pool);
    let keys = "SELECT count(*) FROM api_keys";
    let before = database.count(keys).await;
    for (body, word) in [
        (json!({}), "name"),
        (json!({"name": "x", "scopes": ["everything"]}), "scopes"),
        (json!({"name": "x", "scopes": []}), "scopes"),
        (json!({"name": "x", "scopes": 7}), "scopes"),
        (json!({"name": "x", "timezone": "Mars/Olympus"}), "timezone"),
        (json!({"name": "x", "rate_per_minute": 0}), "rate_per_minute"),
        (json!({"name": "x", "repeats": "last"}), "repeats"),
        (json!({"name": "x", "program": "other-program"}), "program"),
        (json!({"name": "x", "owner": "Ada"}), "owner_id"),
        (json!({"name": "x\u{0}"}), "name"),
    ] {
        let (status, answer) = create(&client, &body).await;
        assert_eq!(status, 400, "{body}");
        assert!(
            answer["message"].as_str().unwrap().contains(word),
            "{body}: {answer}"
        );
    }
    for id in ["999999", "nothing", "a%00b"] {
        assert_eq!(client.delete(&format!("/v1/keys/{id}")).await.status, 404, "{id}");
    }
    for key in ["demo-read-key", "demo-program-key"] {
        let client = client.with_key(key);
        assert_eq!(client.get("/v1/keys").await.status, 403, "{key}");
        assert_eq!(create(&client, &json!({"name": "x"})).await.0, 403, "{key}");
        assert_eq!(client.delete("/v1/keys/1").await.status, 403, "{key}");
    }
    assert_eq!(database.count(keys).await, before);
}

/// A key with all scopes that is bound to a program cannot make one that sees more.
#[tokio::test]
async fn a_bound_key_manages_no_keys() {
    let database = testing::database().await;
    let client = Client::over(&database.pool);
    let new = json!({"name": "bound", "scopes": "all", "program": "partner-program"});
    let (_, created) = create(&client, &new).await;
    let bound = client.with_key(created["key"].as_str().unwrap());
    assert_eq!(
        create(&bound, &json!({"name": "free", "scopes": "all"})).await.0,
        403
    );
    assert_eq!(bound.get("/v1/keys").await.status, 403);
    assert_eq!(bound.get("/v1/audit").await.status, 403);
}

/// A key that may only manage keys would else make itself one that pays.
#[tokio::test]
async fn a_key_gives_only_the_scopes_that_it_has() {
    let database = testing::database().await;
    let client = Client::over(&database.pool);
    let new = json!({"name": "keeper", "scopes": ["admin", "read"]});
    let answer = client.call("POST", "/v1/keys", new.to_string()).await;
    assert_eq!(answer.headers["cache-control"], "no-store");
    let keeper = client.with_key(answer.json["key"].as_str().unwrap());
    let keys = "SELECT count(*) FROM api_keys";
    let before = database.count(keys).await;
    for (scopes, named) in [
        (json!("all"), "ingest"),
        (json!(["read", "manage"]), "manage"),
        (json!(["replay"]), "replay"),
        // What is made where none are sent.
        (Value::Null, "ingest"),
    ] {
        let (status, answer) = create(&keeper, &json!({"name": "x", "scopes": scopes})).await;
        let message = answer["message"].as_str().unwrap();
        assert!(
            status == 403 && message.contains(&format!("scope {named} ")),
            "{scopes}: {answer}"
        );
    }
    assert_eq!(database.count(keys).await, before);
    for scopes in [json!("read"), json!(["admin", "read"])] {
        let (status, answer) = create(&keeper, &json!({"name": "y", "scopes": scopes})).await;
        assert_eq!(status, 200, "{scopes}: {answer}");
    }
}

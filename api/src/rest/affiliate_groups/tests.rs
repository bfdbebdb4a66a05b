use common::testing;
use serde_json::json;

use crate::testing::Client;

const GROUPS: &str = "/1.6/affiliate-groups/";

#[tokio::test]
async fn a_group_is_made_listed_and_renamed() {
    let database = testing::database().await;
    let client = Client::over(&database.pool);
    let made = client
        .call("POST", GROUPS, r#"{"title": "Silver affiliates"}"#)
        .await;
    assert_eq!(made.status, 200);
    let id = made.json["id"].as_str().unwrap().to_owned();
    assert!(id.starts_with("ag_"), "{id}");
    assert_eq!(
        made.json,
        json!({"id": id, "title": "Silver affiliates", "affiliate_count": 0})
    );
    let list = client.get(GROUPS).await;
    let gold = json!({"id": "ag_eXampl3", "title": "Gold affiliates", "affiliate_count": 1});
    assert_eq!(list.json, json!([made.json, gold]));
    assert!(list.headers.contains_key("link"));
    let renamed = client
        .call(
            "PATCH",
            &format!("{GROUPS}ag_eXampl3/"),
            r#"{"title": "Gold members"}"#,
        )
        .await;
    assert_eq!(
        renamed.json,
        json!({"id": "ag_eXampl3", "title": "Gold members", "affiliate_count": 1})
    );
    let trail = "SELECT count(*) FROM audit_entries WHERE action IN ('affiliate_group.create', 'affiliate_group.update')";
    assert_eq!(database.count(trail).await, 2);
}

#[tokio::test]
async fn what_is_wrong_changes_nothing() {
    let database = testing::database().await;
    let client = Client::over(&database.pool);
    let gold = format!("{GROUPS}ag_eXampl3/");
    for body in [
        "",
        "[]",
        "{}",
        r#"{"title": " "}"#,
        r#"{"title": {}}"#,
        "{",
        "\u{0}",
    ] {
        assert_eq!(client.call("POST", GROUPS, body).await.status, 400, "{body}");
        assert_eq!(client.call("PATCH", &gold, body).await.status, 400, "{body}");
    }
    let long = json!({"title": "x".repeat(300)}).to_string();
    assert_eq!(client.call("POST", GROUPS, long).await.status, 400);
    let title = r#"{"title": "T"}"#;
    for path in ["none/", "ag_%00/"] {
        assert_eq!(
            client
                .call("PATCH", &format!("{GROUPS}{path}"), title)
                .await
                .status,
            404
        );
    }
    for (key, created, changed) in [
        ("demo-read-key", 403, 403),
        ("demo-program-key", 403, 403),
        ("wrong", 401, 401),
        ("other-key", 200, 404),
    ] {
        let client = client.with_key(key);
        assert_eq!(client.call("POST", GROUPS, title).await.status, created, "{key}");
        assert_eq!(client.call("PATCH", &gold, title).await.status, changed, "{key}");
    }
    let list = client.get(GROUPS).await.json;
    assert_eq!(
        list,
        json!([{"id": "ag_eXampl3", "title": "Gold affiliates", "affiliate_count": 1}])
    );
    let bound = client.with_key("demo-program-key").get(GROUPS).await.json;
    assert_eq!(bound[0]["affiliate_count"], 0, "Gary is in another program");
}

#[tokio::test]
async fn one_key_is_one_group() {
    let database = testing::database().await;
    let client = Client::over(&database.pool).with_header("idempotency-key", "group-1");
    let first = client.call("POST", GROUPS, r#"{"title": "T"}"#).await.json;
    assert_eq!(client.call("POST", GROUPS, r#"{"title": "T"}"#).await.json, first);
    assert_eq!(client.call("POST", GROUPS, r#"{"title": "U"}"#).await.status, 422);
    assert_eq!(client.get(GROUPS).await.json.as_array().unwrap().len(), 2);
}

use common::testing;
use serde_json::{Value, json};

use crate::testing::Client;

const PROSPECTS: &str = "/1.6/affiliate-prospects/";

async fn create(client: &Client, body: Value) -> (u16, Value) {
    let answer = client.call("POST", PROSPECTS, body.to_string()).await;
    (answer.status, answer.json)
}

fn example() -> Value {
    serde_json::from_str(include_str!("../examples/new_prospect.json")).unwrap()
}

#[tokio::test]
async fn a_prospect_is_made_found_and_removed() {
    let database = testing::database().await;
    let client = Client::over(&database.pool);
    let (status, made) = create(&client, example()).await;
    assert_eq!(status, 200);
    let mut want: Value = serde_json::from_str(include_str!("../examples/prospect.json")).unwrap();
    let link = made["referral_link"]["link"].as_str().unwrap();
    let code = link
        .strip_prefix("https://tapper.inc/johns-cool-product/?ref=")
        .unwrap();
    want["referral_link"] = json!({"link": link, "asset_id": "1-aaaaaa", "source_id": code});
    want["created_at"] = made["created_at"].clone();
    assert_eq!(made, want);
    assert!(made["created_at"].as_str().unwrap().ends_with("+00:00"));
    let path = format!("{PROSPECTS}peterprospect/");
    assert_eq!(client.get(&path).await.json, made);
    for (query, count) in [
        (String::new(), 1),
        ("email=PETER@prospect.example".to_owned(), 1),
        (format!("referral_code={code}&group_id="), 1),
        (
            "program_id=johns-affiliate-program&group_id=ag_eXampl3".to_owned(),
            1,
        ),
        ("program_id=partner-program".to_owned(), 0),
        ("email=other@prospect.example".to_owned(), 0),
        ("group_id=none".to_owned(), 0),
        ("unknown=1".to_owned(), 1),
    ] {
        let list = client.get(&format!("{PROSPECTS}?{query}")).await.json;
        assert_eq!(list.as_array().unwrap().len(), count, "{query}");
    }
    assert_eq!(client.delete(&path).await.status, 204);
    assert_eq!(client.get(&path).await.status, 404);
    assert_eq!(client.delete(&path).await.status, 404);
    assert_eq!(
        database
            .count("SELECT count(*) FROM audit_entries WHERE subject = 'prospect/peterprospect'")
            .await,
        2
    );
}

#[tokio::test]
async fn names_are_enough_and_ids_are_numbered() {
    let database = testing::database().await;
    let client = Client::over(&database.pool);
    for want in ["anaprospect", "anaprospect2", "anaprospect3"] {
        let body = json!({"firstname": "Ána", "lastname": "Prospect", "company": [], "address": {}, "password": "p4ss"});
        let (status, made) = create(&client, body).await;
        assert_eq!((status, made["id"].as_str()), (200, Some(want)));
        assert!(made["email"].is_null() && made["company"].is_null() && made["address"].is_null());
        assert!(made.get("password").is_none());
    }
    let (_, others) = create(
        &client.with_key("other-key"),
        json!({"firstname": "Ana", "lastname": "Prospect"}),
    )
    .await;
    assert_eq!(others["id"], "anaprospect");
    assert_eq!(others["referral_link"]["asset_id"], Value::Null);
}

#[tokio::test]
async fn what_is_wrong_is_named_and_makes_nothing() {
    let database = testing::database().await;
    let client = Client::over(&database.pool);
    for (field, value, want) in [
        ("firstname", json!(null), "firstname"),
        ("lastname", json!(""), "lastname"),
        ("email", json!("nobody"), "email"),
        ("program_id", json!("johns"), "program_id \"johns\" is not known"),
        (
            "program_id",
            json!("other-program"),
            "program_id \"other-program\" is not known",
        ),
        (
            "affiliate_group_id",
            json!("ag_1234"),
            "affiliate_group_id \"ag_1234\" is not known",
        ),
        ("address", json!({"address": "A"}), "address.country"),
        ("address", json!("A"), "address"),
        (
            "address",
            json!({"address": "A", "postal_code": "1", "city": "C", "country": {"code": "XX"}}),
            "address.country.code",
        ),
    ] {
        let mut body = example();
        body[field] = value;
        let (status, answer) = create(&client, body).await;
        let message = answer["errors"][0]["message"].as_str().unwrap_or_default();
        assert_eq!(status, 400, "{field}: {answer}");
        assert!(message.contains(want), "{message}");
    }
    assert_eq!(database.count("SELECT count(*) FROM prospects").await, 0);
    assert_eq!(create(&client, example()).await.0, 200);
    let (status, answer) = create(&client, example()).await;
    let message = answer["errors"][0]["message"].as_str().unwrap();
    assert_eq!(status, 400);
    assert!(message.contains("peter@prospect.example"), "{message}");
}

#[tokio::test]
async fn prospects_are_their_tenants() {
    let database = testing::database().await;
    let client = Client::over(&database.pool);
    assert_eq!(create(&client, example()).await.0, 200);
    let path = format!("{PROSPECTS}peterprospect/");
    for (key, read, write, listed) in [
        ("demo-read-key", 200, 403, 1),
        ("other-key", 404, 404, 0),
        ("demo-program-key", 404, 403, 0),
    ] {
        let client = client.with_key(key);
        assert_eq!(client.get(&path).await.status, read, "{key}");
        assert_eq!(client.delete(&path).await.status, write, "{key}");
        let list = client.get(PROSPECTS).await.json;
        assert_eq!(list.as_array().unwrap().len(), listed, "{key}");
    }
    for key in ["demo-read-key", "demo-program-key"] {
        assert_eq!(create(&client.with_key(key), example()).await.0, 403, "{key}");
    }
    for id in ["nobody", "a%00"] {
        assert_eq!(client.get(&format!("{PROSPECTS}{id}/")).await.status, 404);
        assert_eq!(client.delete(&format!("{PROSPECTS}{id}/")).await.status, 404);
    }
    assert_eq!(client.get(&path).await.status, 200);
}

use common::testing;
use serde_json::{Value, json};

use crate::testing::Client;

const JOHNS: &str = "/1.6/programs/johns-affiliate-program/";

fn example(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[tokio::test]
async fn a_program_and_its_rules_are_those_of_the_seed() {
    let database = testing::database().await;
    let client = Client::over(&database.pool);
    let program = example(include_str!("../examples/program.json"));
    assert_eq!(client.get(JOHNS).await.json, program);
    let by_asset = client.get("/1.6/programs/?asset_id=1-aaaaaa").await;
    assert_eq!(by_asset.json, json!([program]));
    assert!(by_asset.headers.contains_key("link"));
    for (what, index, want) in [
        (
            "commission-types",
            2,
            include_str!("../examples/commission_type.json"),
        ),
        ("levels", 0, include_str!("../examples/level.json")),
        ("bonuses", 0, include_str!("../examples/bonus.json")),
    ] {
        let answer = client.get(&format!("{JOHNS}{what}/")).await;
        assert_eq!(
            (answer.status, &answer.json[index]),
            (200, &example(want)),
            "{what}"
        );
        let behind = client.get(&format!("{JOHNS}{what}/?page=2")).await;
        assert_eq!(behind.json, json!([]), "{what}");
    }
}

#[tokio::test]
async fn a_program_is_seen_by_its_tenant_and_its_key() {
    let database = testing::database().await;
    let client = Client::over(&database.pool);
    for rule in ["", "commission-types/", "levels/", "bonuses/"] {
        for (key, status) in [
            ("demo-read-key", 200),
            ("other-key", 404),
            ("demo-program-key", 404),
            ("wrong", 401),
        ] {
            let answer = client.with_key(key).get(&format!("{JOHNS}{rule}")).await;
            assert_eq!(answer.status, status, "{key} {rule}");
        }
        let none = client.get(&format!("/1.6/programs/a%00/{rule}")).await;
        assert_eq!(none.status, 404, "{rule}");
    }
    let seen = async |key: &str| {
        let list = client.with_key(key).get("/1.6/programs/").await.json;
        let ids = list
            .as_array()
            .unwrap()
            .iter()
            .map(|program| program["id"].clone());
        ids.collect::<Vec<_>>()
    };
    assert_eq!(seen("demo-key").await.len(), 2);
    assert_eq!(seen("demo-program-key").await, [json!("partner-program")]);
    assert_eq!(seen("other-key").await, [json!("other-program")]);
    let fields = client.get("/1.6/affiliates/custom-fields/").await;
    assert_eq!(
        fields.json,
        json!([{"id": "field1", "title": "field1", "choices": []}])
    );
    let others = client
        .with_key("other-key")
        .get("/1.6/affiliates/custom-fields/")
        .await;
    assert_eq!(others.json, json!([]));
}

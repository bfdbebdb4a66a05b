use chrono::TimeDelta;
use common::{
    catalog::{self, SyncOptions},
    runtime::Clock,
    testing,
};
use serde_json::{Value, json};

use crate::testing::{Answer, Client};

const JOHNS: &str = "/1.6/programs/johns-affiliate-program/affiliates/";

async fn post(client: &Client, path: &str, body: &Value) -> Answer {
    client.call("POST", path, body.to_string()).await
}

/// A new affiliate's id.
async fn affiliate(client: &Client) -> String {
    let body = json!({"firstname": "Ramone", "lastname": "Referra"});
    let created = post(client, "/1.6/affiliates/", &body).await;
    created.json["id"].as_str().unwrap().to_owned()
}

fn message(answer: &Answer) -> &str {
    answer.json["errors"][0]["message"].as_str().unwrap_or_default()
}

#[tokio::test]
async fn an_affiliate_in_a_program_has_the_shape_of_the_seed() {
    let database = testing::database().await;
    let client = Client::over(&database.pool);
    let jane = client.get(&format!("{JOHNS}janejameson/")).await.json;
    let link = json!({
        "link": "https://tapper.inc/johns-cool-product/?ref=nwjinmy", "asset_id": "1-aaaaaa", "source_id": "1-ssssss"
    });
    assert_eq!(jane["referral_link"], link);
    assert_eq!(
        (&jane["coupon"], &jane["approved"]),
        (&json!("JANE10OFF"), &json!(true))
    );
    for name in ["created_at", "applied_at"] {
        assert!(jane[name].as_str().unwrap().ends_with("+00:00"), "{name}");
    }
    assert_eq!(jane.as_object().unwrap().len(), 17);
    let penny = client.get(&format!("{JOHNS}pendingpenny/")).await.json;
    assert_eq!(penny["approved"], Value::Null);
    for (query, want) in [
        ("email=jane@example-blog.inc", "janejameson"),
        ("source_id=1-ssssss", "janejameson"),
        ("parent_id=sandrasanderson", "janejameson"),
        ("affiliate_group_id=ag_eXampl3", "goldgary"),
    ] {
        let list = client.get(&format!("{JOHNS}?{query}")).await;
        assert!(list.headers.contains_key("link"));
        assert_eq!(list.json.as_array().unwrap().len(), 1, "{query}");
        assert_eq!(list.json[0]["id"], want, "{query}");
    }
    assert_eq!(client.get(JOHNS).await.json.as_array().unwrap().len(), 5);
    for path in [
        format!("{JOHNS}patpartner/"),
        format!("{JOHNS}a%00b/"),
        "/1.6/programs/none/affiliates/".into(),
    ] {
        assert_eq!(client.get(&path).await.status, 404, "{path}");
    }
    for key in ["other-key", "demo-program-key"] {
        assert_eq!(client.with_key(key).get(JOHNS).await.status, 404, "{key}");
    }
}

#[tokio::test]
async fn joining_brings_a_code_and_the_coupon_that_is_free() {
    let database = testing::database().await;
    let client = Client::over(&database.pool);
    let ramone = affiliate(&client).await;
    for (body, want) in [
        (json!({}), "affiliate is required"),
        (json!({"affiliate": {}}), "affiliate.id is required"),
        (
            json!({"affiliate": {"id": "nobody"}}),
            "affiliate.id \"nobody\" is unknown",
        ),
        (
            json!({"affiliate": {"id": ramone}, "coupon": "Peter 10"}),
            "coupon \"Peter 10\" is taken",
        ),
        (
            json!({"affiliate": {"id": ramone}, "approved": "maybe"}),
            "approved must be true or false",
        ),
        (
            json!({"affiliate": {"id": "janejameson"}}),
            "affiliate \"janejameson\" takes part in the program already",
        ),
    ] {
        let answer = post(&client, JOHNS, &body).await;
        assert_eq!((answer.status, message(&answer)), (400, want));
    }
    let once = client.with_header("idempotency-key", "join");
    let body = json!({"affiliate": {"id": ramone}, "coupon": "RAMONE"});
    let joined = post(&once, JOHNS, &body).await;
    assert_eq!(joined.status, 200, "{}", joined.json);
    assert_eq!(
        (&joined.json["coupon"], &joined.json["approved"]),
        (&json!("RAMONE"), &json!(true))
    );
    let link = joined.json["referral_link"]["link"].as_str().unwrap();
    let code = link
        .strip_prefix("https://tapper.inc/johns-cool-product/?ref=")
        .unwrap();
    assert_eq!(code.len(), 7);
    let found = client
        .get(&format!("/1.6/affiliates/?referral_code={code}"))
        .await;
    assert_eq!(found.json[0]["id"], ramone.as_str());
    assert_eq!(
        post(&once, JOHNS, &body).await.json,
        joined.json,
        "the same again"
    );
    client.convert(json!({"coupon": "ramone", "amount": 100})).await;
    for (sent, want) in [
        (json!(null), Value::Null),
        (json!(false), json!(false)),
        (json!(1), json!(true)),
    ] {
        let body = json!({"affiliate": {"id": affiliate(&client).await}, "approved": sent});
        assert_eq!(post(&client, JOHNS, &body).await.json["approved"], want);
    }
    database.prove().await;
}

#[tokio::test]
async fn coupons_and_approval_change() {
    let database = testing::database().await;
    let client = Client::over(&database.pool);
    let jane = format!("{JOHNS}janejameson/");
    let change = async |body: Value| client.call("PATCH", &jane, body.to_string()).await;
    assert_eq!(
        change(json!({"coupon": "JANE20OFF"})).await.json["coupon"],
        "JANE20OFF"
    );
    assert_eq!(
        change(json!({"coupon": "jane20off"})).await.json["coupon"],
        "jane20off",
        "her own"
    );
    let taken = change(json!({"coupon": "peter10"})).await;
    assert_eq!(
        (taken.status, message(&taken)),
        (400, "coupon \"peter10\" is taken")
    );
    for body in [
        json!({}),
        json!([]),
        json!({"coupon": null}),
        json!({"coupon": {}}),
    ] {
        assert_eq!(change(body).await.status, 400);
    }
    let approved = format!("{jane}approved/");
    for _ in 0..2 {
        let answer = client.delete(&approved).await;
        assert_eq!((answer.status, &answer.json["approved"]), (200, &json!(false)));
    }
    let answer = client.put(&approved, &json!([])).await;
    assert_eq!((answer.status, &answer.json["approved"]), (200, &json!(true)));
    let entries = "SELECT count(*) FROM audit_entries WHERE subject = 'affiliation/johns-affiliate-program/janejameson'";
    assert_eq!(database.count(entries).await, 4);
    for key in ["other-key", "demo-read-key", "demo-program-key"] {
        let client = client.with_key(key);
        let status = if key == "other-key" { 404 } else { 403 };
        for (method, path) in [("PUT", &approved), ("DELETE", &approved), ("PATCH", &jane)] {
            let answer = client.call(method, path, r#"{"coupon": "MINE"}"#).await;
            assert_eq!(answer.status, status, "{key} {method}");
        }
        let join = json!({"affiliate": {"id": "patpartner"}});
        assert_eq!(
            post(&client, JOHNS, &join).await.status,
            if key == "other-key" { 404 } else { 403 },
            "{key}"
        );
    }
    database
        .run("UPDATE api_keys SET scopes = '{read,manage}' WHERE name = 'demo-program-key'")
        .await;
    let bound = client.with_key("demo-program-key");
    assert_eq!(bound.delete(&approved).await.status, 404);
    assert_eq!(
        bound
            .delete("/1.6/programs/partner-program/affiliates/patpartner/approved/")
            .await
            .status,
        200
    );
    assert_eq!(
        client
            .delete(&format!("{JOHNS}patpartner/approved/"))
            .await
            .status,
        404,
        "takes no part"
    );
}

#[tokio::test]
async fn a_retired_program_takes_nobody_new() {
    let database = testing::database().await;
    let client = Client::over(&database.pool);
    let ramone = affiliate(&client).await;
    let apply = async |text: &str, days: i64| {
        let now = Clock::default().now();
        let options = SyncOptions {
            actor: "ada",
            now,
            rules_from: Some(now + TimeDelta::days(days)),
        };
        let file = catalog::parse(text).unwrap();
        catalog::sync_as(&database.pool, &file, options).await.unwrap();
    };
    let retired = catalog::DEMO.replace("default = true # calls", "retired = true\ndefault = true # calls");
    apply(&retired, 0).await;
    let body = json!({"affiliate": {"id": ramone}});
    let refused = post(&client, JOHNS, &body).await;
    assert_eq!(refused.status, 400);
    assert_eq!(
        message(&refused),
        "program \"johns-affiliate-program\" is retired"
    );
    let prospect = json!({"firstname": "Pia", "lastname": "Prospect", "email": "pia@example.com"});
    let refused = post(&client, "/1.6/affiliate-prospects/", &prospect).await;
    assert_eq!(
        (refused.status, message(&refused)),
        (400, "program_id is that of a retired program")
    );
    apply(&retired.replace("retired = true", "retired = false"), 0).await;
    apply(&retired, 1).await;
    assert_eq!(post(&client, JOHNS, &body).await.status, 200, "not yet");
}

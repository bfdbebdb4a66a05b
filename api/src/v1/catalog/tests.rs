use common::testing::{self, TestDatabase};
use serde_json::{Value, json};

use crate::testing::{Answer, Client};

const TYPES: &str = "/v1/programs/partner-program/commission-types";
const STANDARD: &str = "/v1/programs/partner-program/commission-types/standard";

async fn post(client: &Client, path: &str, body: &Value) -> Answer {
    client.call("POST", path, body.to_string()).await
}

async fn patch(client: &Client, path: &str, body: &Value) -> Answer {
    client.call("PATCH", path, body.to_string()).await
}

/// A sale of Pat's of 100. Returns what it brings.
async fn sale(client: &Client) -> String {
    let sold = json!({"coupon": "PARTNER_CODE", "amount": 100});
    let view = client.conversion(sold).await;
    view.commissions.first().unwrap().amount.normalize().to_string()
}

async fn audited(database: &TestDatabase) -> i64 {
    database
        .count("SELECT count(*) FROM audit_entries WHERE actor_kind = 'key' AND key_id IS NOT NULL")
        .await
}

#[tokio::test]
async fn quotas_are_shown_changed_and_lifted_and_leave_an_entry() {
    let database = testing::database().await;
    let client = Client::over(&database.pool);
    assert_eq!(client.get("/v1/org").await.json.get("events_per_minute"), None);
    let quotas = json!({"events_per_minute": 600, "events_under_way": 50});
    let set = patch(&client, "/v1/org", &quotas).await;
    assert_eq!(set.status, 200, "{}", set.json);
    assert_eq!(
        (&set.json["events_per_minute"], &set.json["events_under_way"]),
        (&json!(600), &json!(50))
    );
    for wrong in [0, -1, 100_001] {
        let refused = patch(&client, "/v1/org", &json!({"events_under_way": wrong})).await;
        assert_eq!(refused.status, 400, "{wrong}: {}", refused.json);
    }
    let lifted = patch(&client, "/v1/org", &json!({"events_per_minute": null})).await;
    assert_eq!(lifted.json.get("events_per_minute"), None);
    assert_eq!(lifted.json["events_under_way"], json!(50));
    assert_eq!(client.get("/v1/org").await.json, lifted.json);
    let changes = "SELECT count(*) FROM audit_entries WHERE after ? 'events_under_way' AND after ->> 'events_under_way' = '50'";
    assert_eq!(database.count(changes).await, 2);
}

#[tokio::test]
async fn a_program_comes_is_changed_and_retired() {
    let database = testing::database().await;
    let client = Client::over(&database.pool);
    let new = json!({
        "id": "tea-friends", "currency": "EUR", "landing_page": "https://tea.example/", "assets": ["a1"],
        "types": {"standard": {"percentage": 12.50}}, "levels": {"level-2": {"percentage": 1}}
    });
    let made = post(&client, "/v1/programs", &new).await;
    assert_eq!(made.status, 200, "{}", made.json);
    assert_eq!(made.json["types"]["standard"]["percentage"], json!(12.5));
    assert_eq!(
        (&made.json["hosts"], &made.json["approval"]),
        (&json!(["tea.example"]), &json!("manual"))
    );
    let again = post(&client, "/v1/programs", &new).await;
    assert_eq!(again.status, 409);
    assert_eq!(
        again.json["errors"][0]["message"],
        json!("\"tea-friends\" exists already")
    );
    let path = "/v1/programs/tea-friends";
    let change = json!({"title": "Friends", "approval": "hold", "hold_days": 3, "landing_page": null, "hosts": ["eu.tea.example"]});
    let changed = patch(&client, path, &change).await;
    assert_eq!(changed.status, 200, "{}", changed.json);
    assert_eq!(changed.json["hold_days"], json!(3));
    assert_eq!(changed.json.get("landing_page"), None);
    assert_eq!(changed.json["hosts"], json!(["eu.tea.example", "tea.example"]));
    assert_eq!(client.get(path).await.json, changed.json);
    let listed = client.get("/v1/programs").await.json;
    assert_eq!(listed["programs"].as_array().unwrap().len(), 3);
    let retired = client.delete(path).await;
    assert_eq!((retired.status, &retired.json["retired"]), (200, &json!(true)));
    assert_eq!(client.delete(path).await.json, retired.json);
    assert_eq!(
        patch(&client, path, &json!({"retired": false})).await.json["retired"],
        json!(false)
    );
    let gold = json!({"id": "gold", "fixed": 3, "groups": {"ag_eXampl3": {"fixed": 4}}});
    assert_eq!(post(&client, TYPES, &gold).await.json["groups"], gold["groups"]);
}

#[tokio::test]
async fn each_thing_is_made_shown_changed_and_retired() {
    let database = testing::database().await;
    let client = Client::over(&database.pool);
    let program = "/v1/programs/johns-affiliate-program";
    for (table, new, change) in [
        (
            format!("{program}/commission-types"),
            json!({"id": "subscription", "percentage": 5, "recurrence": "monthly"}),
            json!({"fixed": 7.25}),
        ),
        (
            format!("{program}/levels"),
            json!({"id": "level-4", "percentage": 1}),
            json!({"title": "Fourth"}),
        ),
        (
            format!("{program}/bonuses"),
            json!({"id": "spring", "target_type": "conversion_count", "target": 100, "interval": "calmo", "fixed": 50,
                   "start_date": "2027-03-01"}),
            json!({"start_date": null, "target": 5}),
        ),
        (
            "/v1/custom-fields".to_owned(),
            json!({"id": "size", "choices": ["S", "M"]}),
            json!({"title": "Size of the shirt"}),
        ),
    ] {
        let made = post(&client, &table, &new).await;
        assert_eq!(made.status, 200, "{table}: {}", made.json);
        assert_eq!(post(&client, &table, &new).await.status, 409);
        let path = format!("{table}/{}", new["id"].as_str().unwrap());
        assert_eq!(client.get(&path).await.json, made.json, "{path}");
        let changed = patch(&client, &path, &change).await;
        assert_eq!(changed.status, 200, "{path}: {}", changed.json);
        for (name, value) in change.as_object().unwrap() {
            assert_eq!(changed.json.get(name).unwrap_or(&Value::Null), value, "{path}");
        }
        assert_eq!(patch(&client, &path, &json!({})).await.json, changed.json);
        assert_eq!(client.delete(&path).await.json["retired"], json!(true));
        assert_eq!(client.get(&path).await.json["retired"], json!(true));
        let list = client.get(&table).await.json;
        let list = list.as_object().unwrap().values().next().unwrap().clone();
        assert!(
            list.as_array()
                .unwrap()
                .iter()
                .any(|thing| thing["id"] == new["id"])
        );
    }
    let title = patch(&client, "/v1/org", &json!({"title": "Tapper"})).await.json;
    assert_eq!(
        (&title["title"], &title["id"]),
        (&json!("Tapper"), &json!("demo"))
    );
    assert_eq!(client.get("/v1/org").await.json, title);
    // Each change once: what changed nothing is no entry.
    assert_eq!(audited(&database).await, 4 * 3 + 1);
}

#[tokio::test]
async fn a_changed_rate_is_the_next_sales_and_not_the_last_ones() {
    let database = testing::database().await;
    let client = Client::over(&database.pool);
    assert_eq!(sale(&client).await, "10");
    let planned = json!({"percentage": 30, "valid_from": "2999-01-01T00:00:00Z"});
    let changed = patch(&client, STANDARD, &json!({"percentage": 20})).await;
    assert_eq!(changed.json["versions"][1]["valid_from"], Value::Null);
    assert_eq!(changed.json["versions"][1]["percentage"], json!(10));
    assert_eq!(sale(&client).await, "20");
    let own = "/v1/programs/partner-program/affiliates/patpartner";
    let rate = json!({"fixed": 3.5, "ignore_product_rate": true});
    let changed = patch(&client, own, &rate).await;
    assert_eq!(changed.json["coupon"], json!("PARTNER_CODE"), "{}", changed.json);
    assert_eq!(sale(&client).await, "3.5");
    let cleared = patch(&client, own, &json!({"fixed": null})).await;
    assert_eq!(cleared.json.get("fixed"), None, "{}", cleared.json);
    assert_eq!(patch(&client, STANDARD, &planned).await.status, 200);
    assert_eq!(sale(&client).await, "20", "planned for later");
    let amounts = "SELECT count(*) FROM commissions WHERE amount IN (10, 20, 3.5)";
    assert_eq!(database.count(amounts).await, 4);
    let earlier = json!({"percentage": 40, "valid_from": "2998-01-01T00:00:00Z"});
    assert_eq!(patch(&client, STANDARD, &earlier).await.status, 400);
    database.prove().await;
}

/// Asserts that each request changes nothing and is told this.
async fn assert_wrong(cases: &[(&str, &str, Value, &str)]) {
    let database = testing::database().await;
    let client = Client::over(&database.pool);
    for (method, path, body, want) in cases {
        let answer = client.call(method, path, body.to_string()).await;
        assert_eq!(answer.status, 400, "{path} {body}: {}", answer.json);
        let message = answer.json["errors"][0]["message"].as_str().unwrap();
        let mut found: Vec<_> = message.split("; ").collect();
        let mut want: Vec<_> = want.split("; ").collect();
        found.sort_unstable();
        want.sort_unstable();
        assert_eq!(found, want, "{path} {body}");
    }
    assert_eq!(audited(&database).await, 0);
}

#[tokio::test]
async fn what_is_wrong_is_named_as_in_a_file() {
    let own = "/v1/programs/partner-program/affiliates/flofixed";
    assert_wrong(&[
        ("POST", "/v1/programs", json!({}), "id is required"),
        ("POST", "/v1/programs", json!({"id": 5}), "id must be a text"),
        (
            "POST",
            "/v1/programs",
            json!({"id": "a b", "currency": "EUR", "types": {"standard": {"fixed": 1}}}),
            "program \"a b\": an id has 1 to 100 letters, digits, hyphens, underscores and dots",
        ),
        (
            "POST",
            "/v1/programs",
            json!({"id": "p", "types": {"standard": {"fixed": 1}}}),
            "program \"p\": currency is missing",
        ),
        (
            "PATCH",
            "/v1/programs/partner-program",
            json!({"default_type": "none", "types": null}),
            "program \"partner-program\": types cannot be cleared: what is in the database is left alone; \
             program \"partner-program\": default_type \"none\" is none of its types",
        ),
        (
            "POST",
            "/v1/programs/partner-program/levels",
            json!({"id": "level-3", "percentage": 5}),
            "program \"partner-program\": level-3 is never paid without level-2",
        ),
        (
            "PATCH",
            "/v1/org",
            json!({"client_id": 5}),
            "unknown field \"client_id\", known are title, events_per_minute, events_under_way",
        ),
        (
            "PATCH",
            own,
            json!({"coupon": "X"}),
            "unknown field \"coupon\", known are percentage, fixed, ignore_product_rate",
        ),
    ])
    .await;
}

#[tokio::test]
async fn a_wrong_rate_is_no_rate() {
    assert_wrong(&[
        (
            "PATCH",
            STANDARD,
            json!({"percent": 5}),
            "commission type \"standard\" of program \"partner-program\": unknown field \"percent\", known are clear, \
             count_towards_cap, fixed, groups, percentage, recurrence, retired, title",
        ),
        (
            "PATCH",
            STANDARD,
            json!({"percentage": "5"}),
            "commission type \"standard\" of program \"partner-program\": percentage must be a number, found string",
        ),
        (
            "PATCH",
            STANDARD,
            json!({"percentage": null}),
            "commission type \"standard\" of program \"partner-program\": percentage or fixed is missing",
        ),
        (
            "PATCH",
            STANDARD,
            json!({"percentage": 5, "valid_from": "tomorrow"}),
            "valid_from must be a time such as 2027-01-01T00:00:00Z",
        ),
    ])
    .await;
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let database = testing::database().await;
    let client = Client::over(&database.pool);
    for path in [
        "/v1/programs/none",
        "/v1/programs/a%00b",
        "/v1/programs/partner-program/levels/level-2",
        "/v1/custom-fields/none",
        "/v1/programs/partner-program/affiliates/nobody",
        "/v1/programs/partner-program/affiliates/goldgary",
        "/v1/programs/other-program",
    ] {
        for method in ["GET", "PATCH"] {
            assert_eq!(
                client.call(method, path, "{}").await.status,
                404,
                "{method} {path}"
            );
        }
    }
    assert_eq!(client.get("/v1/programs/none/levels").await.status, 404);
    let orphan = json!({"id": "x", "fixed": 1});
    assert_eq!(
        post(&client, "/v1/programs/none/commission-types", &orphan)
            .await
            .status,
        404
    );
    assert_eq!(client.delete(STANDARD).await.status, 400, "the default type");
    assert_eq!(audited(&database).await, 0);
}

#[tokio::test]
async fn only_an_administrator_of_the_organisation_may() {
    let database = testing::database().await;
    let client = Client::over(&database.pool);
    let paths = [
        "/v1/org",
        "/v1/programs",
        "/v1/programs/partner-program",
        TYPES,
        STANDARD,
        "/v1/custom-fields",
    ];
    for path in paths {
        assert_eq!(client.get(path).await.status, 200, "{path}");
        assert_eq!(
            client.with_key("demo-read-key").get(path).await.status,
            403,
            "{path}"
        );
        assert_eq!(client.with_key("wrong").get(path).await.status, 401, "{path}");
    }
    let other = client.with_key("other-key");
    assert_eq!(other.get(STANDARD).await.status, 404);
    assert_eq!(
        patch(&other, STANDARD, &json!({"percentage": 1})).await.status,
        404
    );
    assert_eq!(
        other.get("/v1/programs").await.json["programs"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    database
        .run("UPDATE api_keys SET scopes = '{admin}' WHERE program_id IS NOT NULL")
        .await;
    let bound = client.with_key("demo-program-key");
    for path in paths {
        assert_eq!(bound.get(path).await.status, 403, "{path}");
    }
    assert_eq!(
        patch(&bound, STANDARD, &json!({"percentage": 1})).await.status,
        403
    );
}

#[tokio::test]
async fn a_request_that_comes_again_gets_the_first_answer() {
    let database = testing::database().await;
    let client = Client::over(&database.pool);
    let once = client.with_header("idempotency-key", "raise");
    let raise = json!({"percentage": 11});
    let first = patch(&once, STANDARD, &raise).await.json;
    patch(&client, STANDARD, &json!({"percentage": 12})).await;
    assert_eq!(patch(&once, STANDARD, &raise).await.json, first);
    assert_eq!(client.get(STANDARD).await.json["percentage"], json!(12));
    assert_eq!(
        patch(&once, STANDARD, &json!({"percentage": 13})).await.status,
        422
    );
    assert_eq!(audited(&database).await, 2);
    // Whatever else is wrong with a request under a key of another one.
    let own_rate = "/v1/programs/partner-program/affiliates/flofixed";
    let unknown = json!({"nonsense": 1});
    for path in [STANDARD, own_rate, "/v1/programs/partner-program", "/v1/org"] {
        assert_eq!(patch(&once, path, &unknown).await.status, 422, "{path}");
        assert_eq!(patch(&client, path, &unknown).await.status, 400, "{path}");
    }
    for (method, path, body) in [
        ("PATCH", STANDARD, "{"),
        ("POST", TYPES, "{}"),
        ("POST", "/v1/keys", r#"{"scopes": ["nonsense"]}"#),
        ("POST", "/1.6/affiliates/", r#"{"email": 5}"#),
        ("PATCH", "/1.6/commissions/1/", r#"{"amount": "x"}"#),
        ("POST", "/1.6/payments/", "[]"),
    ] {
        assert_eq!(once.call(method, path, body).await.status, 422, "{method} {path}");
        assert_eq!(
            client.call(method, path, body).await.status,
            400,
            "{method} {path}"
        );
    }
    let made = client.with_header("idempotency-key", "make");
    let new = json!({"id": "gold", "fixed": 3});
    assert_eq!(
        post(&made, TYPES, &new).await.json,
        post(&made, TYPES, &new).await.json
    );
}

#[tokio::test]
async fn hosts_and_assets_come_and_go() {
    let database = testing::database().await;
    let client = Client::over(&database.pool);
    let program = "/v1/programs/johns-affiliate-program";
    for (table, one, name) in [
        ("hosts", "host", "eu.tapper.inc"),
        ("assets", "asset", "3-cccccc"),
    ] {
        let path = format!("{program}/{table}");
        let before = client.get(&path).await.json;
        let added = post(&client, &path, &json!({ one: name })).await;
        assert_eq!(added.status, 200, "{}", added.json);
        let names: Vec<_> = added.json[table].as_array().unwrap().clone();
        assert!(names.contains(&json!(name)), "{names:?}");
        assert_eq!(post(&client, &path, &json!({ one: name })).await.json, added.json);
        assert_eq!(post(&client, &path, &json!({ one: "" })).await.status, 400);
        let removed = client.delete(&format!("{path}/{name}")).await;
        assert_eq!((removed.status, &removed.json), (200, &before));
        assert_eq!(client.delete(&format!("{path}/{name}")).await.status, 404);
        assert_eq!(
            client.get(&format!("/v1/programs/none/{table}")).await.status,
            404
        );
    }
    let used = client.delete(&format!("{program}/assets/1-aaaaaa")).await;
    assert_eq!(
        used.json["errors"][0]["message"],
        json!("asset \"1-aaaaaa\" is used by affiliate \"janejameson\"")
    );
    let wrong = post(
        &client,
        &format!("{program}/hosts"),
        &json!({"host": "https://x"}),
    )
    .await;
    assert_eq!(wrong.status, 400);
    assert_eq!(
        client
            .with_key("other-key")
            .delete(&format!("{program}/hosts/tapper.inc"))
            .await
            .status,
        404
    );
    assert_eq!(audited(&database).await, 4);
}

#[tokio::test]
async fn the_secret_of_a_pixel_is_shown_once() {
    let database = testing::database().await;
    let client = Client::over(&database.pool);
    let once = client.with_header("idempotency-key", "pixel");
    let new = json!({"address_ranges": ["192.0.2.0/24"]});
    let made = post(&once, "/v1/pixel-keys", &new).await;
    assert_eq!(made.status, 200, "{}", made.json);
    assert_eq!(made.headers["cache-control"], "no-store");
    let (key, secret) = (
        made.json["id"].as_str().unwrap(),
        made.json["secret"].as_str().unwrap(),
    );
    assert!(key.starts_with("px_") && secret.len() == 32);
    let again = post(&once, "/v1/pixel-keys", &new).await.json;
    assert_eq!((&again["id"], &again["secret"]), (&json!(key), &Value::Null));
    let path = format!("/v1/pixel-keys/{key}");
    let changed = patch(&client, &path, &json!({"address_ranges": []})).await;
    assert_eq!(changed.json, json!({"id": key, "address_ranges": []}));
    assert_eq!(patch(&client, &path, &json!({"secret": "x"})).await.status, 400);
    let rotated = post(&client, &format!("{path}/rotate"), &json!({})).await;
    assert_eq!(rotated.headers["cache-control"], "no-store");
    assert_ne!(rotated.json["secret"], json!(secret));
    let list = client.get("/v1/pixel-keys").await.json;
    assert_eq!(list["pixel_keys"].as_array().unwrap().len(), 2);
    assert!(!list.to_string().contains("secret"));
    for _ in 0..2 {
        assert_eq!(
            client.delete(&path).await.json,
            json!({"id": key, "revoked": true})
        );
    }
    assert_eq!(
        post(&client, "/v1/pixel-keys", &json!({"id": key})).await.status,
        409
    );
    assert_eq!(
        post(&client, "/v1/pixel-keys", &json!({"id": "demo-pixel"}))
            .await
            .status,
        409
    );
    assert_eq!(
        client.get("/v1/pixel-keys").await.json["pixel_keys"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    let other = client.with_key("other-key");
    assert_eq!(other.delete("/v1/pixel-keys/demo-pixel").await.status, 404);
    assert_eq!(
        post(&other, "/v1/pixel-keys", &json!({"id": "demo-pixel"}))
            .await
            .status,
        400
    );
    assert_eq!(audited(&database).await, 4);
    let told = "SELECT count(*) FROM audit_entries WHERE concat(before, after) LIKE '%\"secret\"%'";
    assert_eq!(database.count(told).await, 0);
}

use common::{
    domain::{AttributionFields, Body, CreateConversion, MAX_META_PROPERTIES, Outcome},
    testing,
};
use serde_json::{Value, json};

use crate::testing::{Answer, Client};

const JANE: &str = "/1.6/affiliates/janejameson/";

async fn post(client: &Client, path: &str, body: &Value) -> Answer {
    client.call("POST", path, body.to_string()).await
}

fn ramone() -> Value {
    serde_json::from_str(include_str!("../examples/new_affiliate.json")).unwrap()
}

fn ids(answer: &Answer) -> Vec<&str> {
    let list = answer.json.as_array().unwrap();
    list.iter()
        .map(|affiliate| affiliate["id"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn jane_has_the_shape_of_the_seed() {
    let database = testing::database().await;
    let client = Client::over(&database.pool);
    let mut jane = client.get(JANE).await.json;
    let created_at = jane["created_at"].take();
    assert!(created_at.as_str().unwrap().ends_with("+0000"), "{created_at}");
    let want = json!({
        "id": "janejameson", "firstname": "Jane", "lastname": "Jameson", "email": "jane@example-blog.inc",
        "company": {"name": "Example blog Inc.", "description": "Best blog ever"},
        "address": {
            "address": "Rapenburgerstraat 173", "address_two": null, "postal_code": "1011 VM", "city": "Amsterdam",
            "state": "Noord-Holland", "country": {"code": "NL", "name": "Netherlands"}
        },
        "meta_data": {"foo": "bar", "meta": "data"}, "parent_id": "sandrasanderson", "affiliate_group_id": null,
        "created_at": null, "promoted_at": null, "promotion_method": null, "custom_fields": {"field1": "value1"}
    });
    assert_eq!(jane, want);
    for (query, want) in [
        ("email=JANE@example-blog.inc", vec!["janejameson"]),
        ("referral_code=nwjinmy", vec!["janejameson"]),
        ("referral_code=janejameson", vec!["janejameson"]),
        ("source_id=1-ssssss", vec!["janejameson"]),
        ("parent_id=sandrasanderson", vec!["janejameson"]),
        ("affiliate_group_id=ag_eXampl3", vec!["goldgary"]),
        ("click_id=nothing", vec![]),
        ("email=nobody@example.com", vec![]),
    ] {
        let list = client.get(&format!("/1.6/affiliates/?{query}")).await;
        assert_eq!(ids(&list), want, "{query}");
        assert!(list.headers.contains_key("link"));
        let other = client
            .with_key("other-key")
            .get(&format!("/1.6/affiliates/?{query}"))
            .await;
        assert!(ids(&other).is_empty(), "{query}");
    }
    for id in ["nobody", "a%00b", "%FF", "otheroscar"] {
        assert_eq!(
            client.get(&format!("/1.6/affiliates/{id}/")).await.status,
            404,
            "{id}"
        );
    }
    assert_eq!(client.with_key("other-key").get(JANE).await.status, 404);
    let bound = client.with_key("demo-program-key");
    assert_eq!(
        bound.get(JANE).await.status,
        404,
        "the key is bound to the partner program"
    );
    assert_eq!(bound.get("/1.6/affiliates/patpartner/").await.status, 200);
    assert!(!ids(&bound.get("/1.6/affiliates/").await).contains(&"janejameson"));
}

#[tokio::test]
async fn the_programs_of_an_affiliate_have_its_links() {
    let database = testing::database().await;
    let client = Client::over(&database.pool);
    let mut programs = client.get("/1.6/affiliates/janejameson/programs/").await.json;
    let applied_at = programs[0]["applied_at"].take();
    assert!(applied_at.as_str().unwrap().ends_with("+00:00"), "{applied_at}");
    let want = json!([{
        "applied_at": null, "approved": true, "coupon": "JANE10OFF", "id": "johns-affiliate-program",
        "referral_link": {
            "asset_id": "1-aaaaaa", "link": "https://tapper.inc/johns-cool-product/?ref=nwjinmy", "source_id": "1-ssssss"
        },
        "title": "John's affiliate program", "assets_amount": 2
    }]);
    assert_eq!(programs, want);
    let own_id = client.get("/1.6/affiliates/flofixed/programs/").await.json;
    assert_eq!(
        own_id[0]["referral_link"]["link"],
        "https://tapper.inc/pricing?ref=flofixed"
    );
    for (key, status) in [
        ("other-key", 404),
        ("demo-program-key", 404),
        ("demo-read-key", 200),
    ] {
        let answer = client
            .with_key(key)
            .get("/1.6/affiliates/janejameson/programs/")
            .await;
        assert_eq!(answer.status, status, "{key}");
    }
}

#[tokio::test]
async fn creating_makes_an_id_of_the_names() {
    let database = testing::database().await;
    let client = Client::over(&database.pool);
    let created = post(&client, "/1.6/affiliates/", &ramone()).await;
    assert_eq!(created.status, 200, "{}", created.json);
    let ramone = &created.json;
    assert_eq!(ramone["id"], "ramonereferra");
    assert_eq!(
        ramone["address"]["country"],
        json!({"code": "NL", "name": "Netherlands"})
    );
    for name in [
        "password",
        "parent_id",
        "affiliate_group_id",
        "promoted_at",
        "promotion_method",
    ] {
        assert_eq!(ramone.get(name), Some(&Value::Null), "{name}");
    }
    let mut read = client.get("/1.6/affiliates/ramonereferra/").await.json;
    read["password"] = Value::Null;
    assert_eq!(*ramone, read);
    for want in ["ramonereferra2", "ramonereferra3"] {
        let namesake = post(
            &client,
            "/1.6/affiliates",
            &json!({"firstname": "Ramone", "lastname": "Referra"}),
        )
        .await;
        assert_eq!(namesake.json["id"], want);
        assert_eq!(namesake.json["password"].as_str().unwrap().len(), 16);
        assert_eq!(
            (&namesake.json["company"], &namesake.json["custom_fields"]),
            (&Value::Null, &Value::Null)
        );
    }
    // Nobody's id may be another's referral code.
    let code = post(
        &client,
        "/1.6/affiliates/",
        &json!({"firstname": "nwj", "lastname": "inmy"}),
    )
    .await;
    assert_eq!(code.json["id"], "nwjinmy2");
}

#[tokio::test]
async fn passwords_are_kept_as_hashes_alone() {
    let database = testing::database().await;
    let client = Client::over(&database.pool).with_header("idempotency-key", "once");
    let body = json!({"firstname": "Ramone", "lastname": "Referra"});
    let first = post(&client, "/1.6/affiliates/", &body).await;
    assert!(first.json["password"].is_string());
    let again = post(&client, "/1.6/affiliates/", &body).await;
    assert_eq!((again.status, &again.json["id"]), (200, &json!("ramonereferra")));
    assert_eq!(again.json.get("password"), Some(&Value::Null));
    assert_eq!(post(&client, "/1.6/affiliates/", &ramone()).await.status, 422);
    let sent = client.with_header("idempotency-key", "sent");
    let mut guessed = ramone();
    for _ in 0..2 {
        let answer = post(&sent, "/1.6/affiliates/", &guessed).await;
        assert_eq!(
            (answer.status, answer.json.get("password")),
            (200, Some(&Value::Null))
        );
        assert_eq!(answer.headers["cache-control"], "no-store");
        // The password is left out of what makes it the same request: nothing that is stored tells whether a guess is right.
        guessed["password"] = json!("another one");
    }
    let hashed = "SELECT count(*) FROM idempotent_answers WHERE key = 'sent' AND length(request_hash) = 66";
    assert_eq!(
        database.count(hashed).await,
        1,
        "the hash of the bytes is not stored"
    );
    let secrets = "SELECT (SELECT count(*) FROM idempotent_answers WHERE body LIKE '%argon2%' OR body LIKE '%password1234%')
        + (SELECT count(*) FROM audit_entries e WHERE e::text ~ 'argon2|password1234')";
    assert_eq!(database.count(secrets).await, 0);
    let hashes = "SELECT count(*) FROM affiliates WHERE password_hash LIKE '$argon2id$%'";
    assert_eq!(database.count(hashes).await, 2);
}

#[tokio::test]
async fn what_is_missing_wrong_or_taken_is_named() {
    let database = testing::database().await;
    let client = Client::over(&database.pool);
    for (change, want) in [
        (json!({"firstname": null}), "firstname is required"),
        (json!({"lastname": " "}), "lastname is required"),
        (
            json!({"email": "Jane@Example-Blog.inc"}),
            "email \"Jane@Example-Blog.inc\" is another affiliate's",
        ),
        (json!({"email": "ramona"}), "email must be an e-mail address"),
        (json!({"company": "Referra"}), "company must be an object"),
        (
            json!({"address": {"address": "x"}}),
            "address.postal_code is required",
        ),
        (
            json!({"address": {"address": "x", "postal_code": 1, "city": "x", "country": {"code": "XX"}}}),
            "address.country.code must be an ISO 3166-1 code",
        ),
        (
            json!({"custom_fields": {"shoe": 43}}),
            "custom_fields.shoe is no custom field",
        ),
        (
            json!({"firstname": "a\u{0}b"}),
            "firstname contains a NUL character",
        ),
        (
            json!({"firstname": "a".repeat(256)}),
            "firstname is longer than 255 characters",
        ),
    ] {
        let mut body = ramone();
        body.as_object_mut()
            .unwrap()
            .extend(change.as_object().unwrap().clone());
        let answer = post(&client, "/1.6/affiliates/", &body).await;
        assert_eq!(
            (answer.status, &answer.json["errors"][0]["message"]),
            (400, &json!(want))
        );
    }
    for body in ["", "[]", "{", "5"] {
        assert_eq!(
            client.call("POST", "/1.6/affiliates/", body).await.status,
            400,
            "{body}"
        );
    }
    // PHP prints an object without entries as a list, and forms send fields that are left empty.
    let mut empty = ramone();
    let blanks = json!({"address": {"address": "", "country": {"code": ""}}, "company": [], "custom_fields": [], "email": ""});
    empty
        .as_object_mut()
        .unwrap()
        .extend(blanks.as_object().unwrap().clone());
    let answer = post(&client, "/1.6/affiliates/", &empty).await;
    assert_eq!(
        (answer.status, &answer.json["address"], &answer.json["company"]),
        (200, &Value::Null, &Value::Null)
    );
    // Another organisation's addresses are no matter.
    let other = client.with_key("other-key");
    let jane = json!({"firstname": "Jane", "lastname": "Jameson", "email": "jane@example-blog.inc"});
    assert_eq!(
        post(&other, "/1.6/affiliates/", &jane).await.json["id"],
        "janejameson"
    );
}

#[tokio::test]
async fn only_who_may_changes_affiliates() {
    let database = testing::database().await;
    let client = Client::over(&database.pool);
    database
        .run(
            "UPDATE api_keys SET scopes = '{read,manage}' WHERE name = 'demo-program-key';
             UPDATE affiliates SET parent_id = NULL WHERE slug = 'peterpeterson'",
        )
        .await;
    for (method, path, body) in [
        ("DELETE", "", json!([])),
        ("PUT", "group/", json!({"group_id": "ag_eXampl3"})),
        ("DELETE", "group/", json!([])),
        ("POST", "parent/", json!({"affiliate_id": "sandrasanderson"})),
        ("PUT", "parent/", json!({"affiliate_id": "sandrasanderson"})),
        ("DELETE", "parent/", json!([])),
        ("PUT", "meta-data/", json!({"a": 1})),
        ("PUT", "meta-data/foo/", json!({"value": 1})),
        ("DELETE", "meta-data/foo/", json!([])),
    ] {
        let path = format!("{JANE}{path}");
        for (key, status) in [
            ("demo-read-key", 403),
            ("other-key", 404),
            ("demo-program-key", 403),
            ("no-key", 401),
        ] {
            let answer = client.with_key(key).call(method, &path, body.to_string()).await;
            assert_eq!(answer.status, status, "{key} {method} {path}");
        }
        for id in ["nobody", "a%00b"] {
            let path = path.replace("janejameson", id);
            let answer = client.call(method, &path, body.to_string()).await;
            assert_eq!(answer.status, 404, "{method} {path}");
        }
    }
    for key in ["demo-read-key", "demo-program-key"] {
        assert_eq!(
            post(&client.with_key(key), "/1.6/affiliates/", &ramone())
                .await
                .status,
            403,
            "{key}"
        );
    }
    let entries = "SELECT count(*) FROM audit_entries WHERE actor_kind = 'key'";
    assert_eq!(database.count(entries).await, 0);
}

#[tokio::test]
async fn groups_come_and_go() {
    let database = testing::database().await;
    let client = Client::over(&database.pool);
    let path = format!("{JANE}group/");
    for body in [
        json!({"group_id": "none"}),
        json!({}),
        json!([]),
        json!({"group_id": {}}),
    ] {
        assert_eq!(client.put(&path, &body).await.status, 400, "{body}");
    }
    for _ in 0..2 {
        let answer = client.put(&path, &json!({"group_id": "ag_eXampl3"})).await;
        assert_eq!(
            (answer.status, &answer.json["affiliate_group_id"]),
            (200, &json!("ag_eXampl3"))
        );
    }
    for _ in 0..2 {
        assert_eq!(client.delete(&path).await.status, 204);
    }
    assert_eq!(client.get(JANE).await.json["affiliate_group_id"], Value::Null);
    let entries = "SELECT count(*) FROM audit_entries WHERE action = 'affiliate.group' AND subject = 'affiliate/janejameson'";
    assert_eq!(
        database.count(entries).await,
        2,
        "what changed nothing is no entry"
    );
}

#[tokio::test]
async fn parents_stand_in_no_circle() {
    let database = testing::database().await;
    let client = Client::over(&database.pool);
    let parent = |id: &str| format!("/1.6/affiliates/{id}/parent/");
    let answer = post(
        &client,
        &parent("peterpeterson"),
        &json!({"affiliate_id": "janejameson"}),
    )
    .await;
    assert_eq!(
        (answer.status, &answer.json["parent_id"]),
        (200, &json!("janejameson"))
    );
    for (child, body, want) in [
        (
            "sandrasanderson",
            json!({"affiliate_id": "peterpeterson"}),
            "would make a circle",
        ),
        (
            "sandrasanderson",
            json!({"affiliate_id": "sandrasanderson"}),
            "would make a circle",
        ),
        (
            "sandrasanderson",
            json!({"affiliate_id": "otheroscar"}),
            "is unknown",
        ),
        ("sandrasanderson", json!({"via": "x"}), "must be a number"),
        (
            "sandrasanderson",
            json!({"via": 999_999}),
            "via 999999 is unknown",
        ),
        ("sandrasanderson", json!([]), "affiliate_id is required"),
    ] {
        let answer = post(&client, &parent(child), &body).await;
        let message = answer.json["errors"][0]["message"].as_str().unwrap().to_owned();
        assert!(answer.status == 400 && message.contains(want), "{message}");
    }
    let gary = database
        .count("SELECT affiliate_id FROM affiliates WHERE slug = 'goldgary'")
        .await;
    let answer = client
        .put(&parent("peterpeterson"), &json!({"via": gary.to_string()}))
        .await;
    assert_eq!(answer.json["parent_id"], "goldgary");
    assert_eq!(client.delete(&parent("peterpeterson")).await.status, 204);
    let peter = client.get("/1.6/affiliates/peterpeterson/").await;
    assert_eq!(peter.json["parent_id"], Value::Null);
}

#[tokio::test]
async fn meta_data_are_kept_by_key() {
    let database = testing::database().await;
    let client = Client::over(&database.pool);
    let path = format!("{JANE}meta-data/");
    let all = json!({"foo": "bar", "tap": "awesome"});
    assert_eq!(client.put(&path, &all).await.json, all);
    assert_eq!(client.get(&path).await.json, all);
    let foo = format!("{path}foo/");
    assert_eq!(client.get(&foo).await.json, json!({"value": "bar"}));
    assert_eq!(
        client.put(&foo, &json!({"value": 1.50})).await.json,
        json!({"value": 1.50})
    );
    let tap = format!("{path}tap/");
    assert_eq!(client.delete(&tap).await.status, 204);
    assert_eq!(client.get(&tap).await.status, 404);
    assert_eq!(client.delete(&tap).await.status, 404);
    assert_eq!(client.get(&path).await.json, json!({"foo": 1.50}));
    assert_eq!(client.put(&foo, &json!({})).await.status, 400);
    let many = |count: usize| (0..count).map(|n| (n.to_string(), json!(n))).collect::<Value>();
    assert_eq!(client.put(&path, &many(MAX_META_PROPERTIES)).await.status, 200);
    assert_eq!(
        client.put(&foo, &json!({"value": 10})).await.status,
        400,
        "one more"
    );
    assert_eq!(client.put(&path, &json!([])).await.json, json!({}));
    assert_eq!(client.with_key("demo-program-key").get(&foo).await.status, 404);
}

/// What was earned stays, what comes earns nothing, and what was taken is free.
#[tokio::test]
async fn who_is_deleted_keeps_the_money_and_earns_no_more() {
    let database = testing::database().await;
    let client = Client::over(&database.pool);
    let sale = json!({"coupon": "JANE10OFF", "amount": 100, "external_id": "ORD1"});
    let commission = client.convert(sale).await;
    client
        .put(&format!("/1.6/commissions/{commission}/approved/"), &json!({}))
        .await;
    let children = post(
        &client,
        "/1.6/affiliates/peterpeterson/parent/",
        &json!({"affiliate_id": "janejameson"}),
    )
    .await;
    assert_eq!(children.status, 200);
    assert_eq!(client.delete(JANE).await.status, 204);
    assert_eq!(client.delete(JANE).await.status, 404);
    assert_eq!(client.get(JANE).await.status, 404);
    assert_eq!(
        ids(&client.get("/1.6/affiliates/?email=jane@example-blog.inc").await).len(),
        0
    );
    let peter = client.get("/1.6/affiliates/peterpeterson/").await;
    assert_eq!(peter.json["parent_id"], Value::Null);
    // Money and names.
    let sale = client.get("/1.6/conversions/?external_id=ORD1").await;
    assert_eq!(sale.json[0]["affiliate"]["firstname"], "Jane");
    let balances = client.get("/1.6/affiliates/janejameson/balances/").await;
    assert_eq!(balances.json, json!({"USD": 10}));
    let paid = post(
        &client,
        "/1.6/payments/",
        &json!({"affiliate_id": "janejameson", "amount": 10, "currency": "USD"}),
    )
    .await;
    assert_eq!(
        (paid.status, &paid.json[0]["affiliate"]["id"]),
        (200, &json!("janejameson")),
        "{}",
        paid.json
    );
    // Neither her codes nor her id bring anything.
    for sent in [
        AttributionFields {
            coupon: Some("JANE10OFF".into()),
            ..AttributionFields::default()
        },
        AttributionFields {
            referral_code: Some("nwjinmy".into()),
            ..AttributionFields::default()
        },
        AttributionFields {
            referral_code: Some("janejameson".into()),
            ..AttributionFields::default()
        },
    ] {
        let sale = CreateConversion {
            amount: "100".parse().unwrap(),
            attribution: sent.clone(),
            ..CreateConversion::default()
        };
        let outcome = client.outcome(Body::CreateConversion(Box::new(sale))).await;
        assert!(!matches!(outcome, Outcome::Applied(_)), "{sent:?}: {outcome:?}");
    }
    // What she had is free, but for her id.
    let jane = json!({"firstname": "Jane", "lastname": "Jameson", "email": "jane@example-blog.inc"});
    assert_eq!(
        post(&client, "/1.6/affiliates/", &jane).await.json["id"],
        "janejameson2"
    );
    let join = json!({"affiliate": {"id": "janejameson2"}, "coupon": "jane 10off"});
    let joined = post(
        &client,
        "/1.6/programs/johns-affiliate-program/affiliates/",
        &join,
    )
    .await;
    assert_eq!(joined.status, 200, "{}", joined.json);
    database.prove().await;
}

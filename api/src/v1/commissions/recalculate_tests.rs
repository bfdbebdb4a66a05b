use common::testing::{self, TestDatabase};
use serde_json::{Value, json};

use crate::testing::{Answer, Client};

const RECALCULATE: &str = "/v1/commissions/recalculate";

/// Peter's sales of 100, of which 10 percent are his.
async fn sold(client: &Client, count: usize) {
    for _ in 0..count {
        client.convert(json!({"coupon": "PETER10", "amount": 100})).await;
    }
}

/// The standard type of peter's program has been 12.5 percent since yesterday.
async fn change_rate(database: &TestDatabase) {
    database
        .run(
            "INSERT INTO commission_types
                 (org_id, program_id, identifier, title, valid_from, form, value, recurrence, count_towards_cap, group_overrides)
             SELECT t.org_id, t.program_id, t.identifier, t.title, now() - interval '1 day', 'percentage', 12.5, t.recurrence,
                    t.count_towards_cap, t.group_overrides
               FROM commission_types t JOIN programs p USING (org_id, program_id)
              WHERE p.slug = 'johns-affiliate-program' AND t.identifier = 'standard'",
        )
        .await;
}

async fn recalculate(client: &Client, body: Value) -> Answer {
    client.call("POST", RECALCULATE, body.to_string()).await
}

fn of_peter(preview: bool) -> Value {
    json!({"affiliate_id": "peterpeterson", "preview": preview})
}

async fn at_new_rate(database: &TestDatabase) -> i64 {
    database
        .count("SELECT count(*) FROM commissions WHERE amount = 12.5 AND pending = 12.5")
        .await
}

#[tokio::test]
async fn it_previews_unless_it_is_told_to_do_it() {
    let database = testing::database().await;
    let client = Client::over(&database.pool);
    sold(&client, 3).await;
    client.convert(json!({"coupon": "SANDRA10", "amount": 100})).await;
    change_rate(&database).await;
    let preview = recalculate(&client, json!({"affiliate_id": "peterpeterson", "limit": 2})).await;
    assert_eq!(preview.status, 200, "{}", preview.json);
    let told = preview.json;
    let counts =
        ["preview", "selected", "conversions", "changed", "refused", "more"].map(|name| told[name].clone());
    assert_eq!(
        counts,
        [json!(true), json!(3), json!(3), json!(3), json!(0), json!(true)]
    );
    assert_eq!(
        told["totals"],
        json!({"USD": {"from": 30, "to": 37.5, "difference": 7.5}})
    );
    let listed = told["commissions"].as_array().unwrap();
    assert_eq!(listed.len(), 2);
    assert_eq!(
        (
            &listed[0]["affiliate_id"],
            &listed[0]["from"],
            &listed[0]["to"],
            &listed[0]["difference"]
        ),
        (&json!("peterpeterson"), &json!(10), &json!(12.5), &json!(2.5))
    );
    assert_eq!(at_new_rate(&database).await, 0);
    let done = recalculate(&client, of_peter(false)).await;
    assert_eq!(
        (done.status, &done.json["changed"], &done.json["more"]),
        (200, &json!(3), &json!(false))
    );
    assert_eq!(at_new_rate(&database).await, 3);
    let noted =
        "SELECT count(*) FROM audit_entries WHERE action = 'recalculate_commissions' AND actor_kind = 'key'";
    assert_eq!(database.count(noted).await, 3);
    let again = recalculate(&client, of_peter(false)).await.json;
    assert_eq!((&again["selected"], &again["changed"]), (&json!(3), &json!(0)));
    database.prove().await;
}

#[tokio::test]
async fn a_key_used_again_gets_the_first_answer() {
    let database = testing::database().await;
    let client = Client::over(&database.pool);
    sold(&client, 1).await;
    change_rate(&database).await;
    let once = client.with_header("idempotency-key", "recalculate-1");
    let first = recalculate(&once, of_peter(false)).await;
    let again = recalculate(&once, of_peter(false)).await;
    assert_eq!((first.status, &first.json), (again.status, &again.json));
    assert_eq!(first.json["changed"], json!(1));
    assert_eq!(recalculate(&once, of_peter(true)).await.status, 422);
}

#[tokio::test]
async fn rules_are_supposed_without_holding() {
    let database = testing::database().await;
    let client = Client::over(&database.pool);
    sold(&client, 2).await;
    let rules = json!({"programs": {"johns-affiliate-program": {
        "title": "John's affiliate program", "currency": "USD", "default": true,
        "types": {"standard": {"percentage": 12.5}},
    }}});
    let body = json!({"affiliate_id": "peterpeterson", "rules": rules, "rules_from": "2001-01-01"});
    let told = recalculate(&client, body.clone()).await;
    assert_eq!(told.status, 200, "{}", told.json);
    assert_eq!(
        (&told.json["changed"], &told.json["totals"]["USD"]["difference"]),
        (&json!(2), &json!(5))
    );
    assert_eq!(
        database
            .count("SELECT count(*) FROM commission_types WHERE value = 12.5")
            .await,
        0
    );
    assert_eq!(
        recalculate(&client, of_peter(true)).await.json["changed"],
        json!(0)
    );
    for (name, wrong) in [
        ("preview", json!(false)),
        ("rules_from", json!(null)),
        ("rules_from", json!("yesterday")),
        ("rules", json!({"keys": {}})),
        (
            "rules",
            json!({"programs": {"johns-affiliate-program": {"currency": "USD", "types": {"standard": {"percentage": "x"}}}}}),
        ),
        ("rules", json!("none")),
    ] {
        let mut body = body.clone();
        body[name] = wrong.clone();
        let answer = recalculate(&client, body).await;
        assert_eq!(answer.status, 400, "{name} {wrong}: {}", answer.json);
    }
    database
        .run("UPDATE api_keys SET scopes = '{manage}' WHERE program_id IS NOT NULL")
        .await;
    let bound = recalculate(&client.with_key("demo-program-key"), body).await;
    assert_eq!(bound.status, 403, "{}", bound.json);
    database.prove().await;
}

#[tokio::test]
async fn a_filter_must_restrict_and_know_what_it_names() {
    let database = testing::database().await;
    let client = Client::over(&database.pool);
    sold(&client, 1).await;
    change_rate(&database).await;
    for wrong in [
        json!({}),
        json!({"preview": false}),
        json!({"program_id": "nowhere"}),
        json!({"affiliate_id": "otheroscar"}),
        json!({"from": "yesterday"}),
        json!({"before": "2026-02-30"}),
        json!({"from": "+12026-01-01T00:00:00Z"}),
        json!({"from": "2026-02-02", "before": "2026-02-02"}),
        json!({"affiliate_id": "peterpeterson", "preview": "perhaps"}),
        json!({"affiliate_id": "peterpeterson", "limit": 0}),
        json!({"affiliate_id": "peterpeterson", "limit": 1001}),
        json!({"affiliate_id": "peterpeterson", "limit": -1.5}),
        json!([]),
    ] {
        let answer = recalculate(&client, wrong.clone()).await;
        assert_eq!(answer.status, 400, "{wrong}: {}", answer.json);
    }
    for (filter, selected) in [
        (json!({"before": "2001-01-01"}), 0),
        (
            json!({"from": "2001-01-01T00:00:00+02:00", "before": "2999-01-01"}),
            1,
        ),
        (json!({"from": "2999-01-01"}), 0),
        (json!({"program_id": "partner-program"}), 0),
        (json!({"affiliate_id": "peterpeterson", "limit": 1000}), 1),
    ] {
        let answer = recalculate(&client, filter.clone()).await;
        assert_eq!(
            (answer.status, &answer.json["selected"]),
            (200, &json!(selected)),
            "{filter}"
        );
    }
    assert_eq!(at_new_rate(&database).await, 0);
}

#[tokio::test]
async fn only_who_may_recalculates() {
    let database = testing::database().await;
    let client = Client::over(&database.pool);
    sold(&client, 1).await;
    change_rate(&database).await;
    database
        .run("UPDATE api_keys SET scopes = '{manage}' WHERE program_id IS NOT NULL")
        .await;
    for (key, status) in [("wrong", 401), ("demo-read-key", 403), ("other-key", 400)] {
        let answer = recalculate(&client.with_key(key), of_peter(false)).await;
        assert_eq!(answer.status, status, "{key}");
    }
    let bound = client.with_key("demo-program-key");
    for body in [of_peter(false), json!({"before": "2999-01-01", "preview": false})] {
        let answer = recalculate(&bound, body).await.json;
        assert_eq!(answer["selected"], json!(0), "of another program");
    }
    assert_eq!(at_new_rate(&database).await, 0);
    database.prove().await;
}

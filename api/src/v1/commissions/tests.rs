use common::testing::{self, TestDatabase};
use serde_json::{Value, json};

use crate::testing::{Answer, Client};

const APPROVE: &str = "/v1/commissions/approve";
const DISAPPROVE: &str = "/v1/commissions/disapprove";

/// Peter's sales: commissions of 10 each.
async fn sold(client: &Client, count: usize) {
    for _ in 0..count {
        client.convert(json!({"coupon": "PETER10", "amount": 100})).await;
    }
}

async fn decided(client: &Client, path: &str, body: Value) -> Answer {
    client.put(path, &body).await
}

fn of_peter() -> Value {
    json!({"affiliate_id": "peterpeterson"})
}

async fn approved(database: &TestDatabase) -> i64 {
    database
        .count("SELECT count(*) FROM commissions WHERE approved")
        .await
}

#[tokio::test]
async fn a_preview_changes_nothing_and_an_approval_all_of_it() {
    let database = testing::database().await;
    let client = Client::over(&database.pool);
    sold(&client, 3).await;
    client.convert(json!({"coupon": "SANDRA10", "amount": 100})).await;
    let mut preview = of_peter();
    preview["preview"] = json!(true);
    let answer = decided(&client, APPROVE, preview).await;
    let want = json!({"preview": true, "selected": 3, "changed": 0, "more": false, "amounts": {"USD": 30}});
    assert_eq!((answer.status, answer.json), (200, want));
    assert_eq!(approved(&database).await, 0);
    let answer = decided(&client, APPROVE, of_peter()).await;
    let want = json!({"preview": false, "selected": 3, "changed": 3, "more": false, "amounts": {"USD": 30}});
    assert_eq!((answer.status, answer.json), (200, want));
    assert_eq!(approved(&database).await, 3);
    let none = decided(&client, DISAPPROVE, of_peter()).await.json;
    assert_eq!(none["selected"], json!(0), "what is decided stays");
    let noted = "SELECT count(*) FROM audit_entries WHERE action = 'edit_commission' AND actor_kind = 'key'";
    assert_eq!(database.count(noted).await, 3);
    database.prove().await;
}

#[tokio::test]
async fn a_key_used_again_gets_the_first_answer() {
    let database = testing::database().await;
    let client = Client::over(&database.pool);
    sold(&client, 1).await;
    let once = client.with_header("idempotency-key", "approve-1");
    let first = decided(&once, APPROVE, of_peter()).await;
    sold(&client, 1).await;
    let again = decided(&once, APPROVE, of_peter()).await;
    assert_eq!((first.status, &first.json), (again.status, &again.json));
    assert_eq!(approved(&database).await, 1);
    assert_eq!(decided(&once, DISAPPROVE, of_peter()).await.status, 422);
}

#[tokio::test]
async fn a_filter_must_restrict_and_know_what_it_names() {
    let database = testing::database().await;
    let client = Client::over(&database.pool);
    sold(&client, 1).await;
    for wrong in [
        json!({}),
        json!({"preview": true}),
        json!({"program_id": "nowhere"}),
        json!({"affiliate_id": "nobody"}),
        json!({"affiliate_id": "otheroscar"}),
        json!({"affiliate_id": {}}),
        json!({"before": "yesterday"}),
        json!({"before": "2026-02-30"}),
        json!({"affiliate_id": "peterpeterson", "preview": "perhaps"}),
        json!([]),
    ] {
        let answer = decided(&client, APPROVE, wrong.clone()).await;
        assert_eq!(answer.status, 400, "{wrong}: {}", answer.json);
    }
    assert_eq!(approved(&database).await, 0);
    let past = json!({"program_id": "johns-affiliate-program", "before": "2001-01-01"});
    assert_eq!(decided(&client, APPROVE, past).await.json["selected"], json!(0));
    let future = json!({"before": "2999-01-01", "program_id": "johns-affiliate-program"});
    assert_eq!(
        decided(&client, DISAPPROVE, future).await.json["changed"],
        json!(1)
    );
    database.prove().await;
}

#[tokio::test]
async fn only_who_may_decides() {
    let database = testing::database().await;
    let client = Client::over(&database.pool);
    sold(&client, 1).await;
    database
        .run("UPDATE api_keys SET scopes = '{manage}' WHERE program_id IS NOT NULL")
        .await;
    for (key, status) in [("wrong", 401), ("demo-read-key", 403), ("other-key", 400)] {
        let answer = decided(&client.with_key(key), APPROVE, of_peter()).await;
        assert_eq!(answer.status, status, "{key}");
    }
    let bound = client.with_key("demo-program-key");
    for body in [of_peter(), json!({"before": "2999-01-01"})] {
        let answer = decided(&bound, APPROVE, body).await.json;
        assert_eq!(answer["selected"], json!(0), "of another program");
    }
    assert_eq!(approved(&database).await, 0);
}

//! The two kinds of writes under one `Idempotency-Key`.

use common::testing;
use serde_json::json;

use crate::testing::Client;

/// Each is looked for where the other is kept, and both lock the key.
#[tokio::test(flavor = "multi_thread")]
async fn of_an_event_and_a_change_of_the_catalog_at_one_moment_one_takes_effect() {
    const ROUNDS: i64 = 40;
    let database = testing::database().await;
    let client = Client::over(&database.pool);
    let commission = client
        .convert(json!({"coupon": "JANE10OFF", "amount": 100}))
        .await;
    let event = format!("/1.6/commissions/{commission}/");
    let change = "/1.6/affiliates/janejameson/meta-data/round/";
    let mut won_by_events = 0;
    for round in 1..=ROUNDS {
        let once = client.with_header("idempotency-key", &format!("race-{round}"));
        let comment = json!({"comment": round.to_string()}).to_string();
        let value = json!({"value": round.to_string()});
        let (event, change) = tokio::join!(once.call("PATCH", &event, comment), once.put(change, &value));
        let statuses = [event.status, change.status];
        assert!(
            matches!(statuses, [200, 422] | [422, 200]),
            "round {round}: {statuses:?}"
        );
        won_by_events += i64::from(event.status == 200);
        let entries =
            "SELECT count(*) FROM audit_entries WHERE action IN ('edit_commission', 'affiliate.meta_data')";
        assert_eq!(database.count(entries).await, round, "one effect a round");
    }
    let applied = "SELECT count(*) FROM events WHERE kind = 'edit_commission' AND status = 'applied'";
    assert_eq!(database.count(applied).await, won_by_events);
    let keys = "SELECT (SELECT count(*) FROM idempotent_answers) + (SELECT count(*) FROM idempotency_keys)";
    assert_eq!(database.count(keys).await, ROUNDS);
    database.prove().await;
}

#[tokio::test]
async fn the_same_fields_are_the_same_request() {
    let database = testing::database().await;
    let client = Client::over(&database.pool).with_header("idempotency-key", "once");
    let path = "/1.6/affiliates/janejameson/meta-data/";
    for (body, status) in [
        (r#"{"a":"1","b":{"c":1.50,"d":null}}"#, 200),
        ("\n{ \"b\": {\"d\": null, \"c\": 1.5},\t\"a\": \"1\" }", 200),
        (r#"{"a":"1","b":{"c":1.51,"d":null}}"#, 422),
        (r#"{"a":"1","b":{"c":1.50}}"#, 422),
    ] {
        assert_eq!(client.call("PUT", path, body).await.status, status, "{body}");
    }
    assert_eq!(
        client
            .call(
                "PUT",
                "/1.6/affiliates/peterpeterson/meta-data/",
                r#"{"a":"1","b":{"c":1.50,"d":null}}"#
            )
            .await
            .status,
        422,
        "of another"
    );
}

/// A retry right after an update: its first answer was stored by the version before, which hashed the bytes.
#[tokio::test]
async fn an_answer_of_the_version_before_is_found() {
    let database = testing::database().await;
    let client = Client::over(&database.pool).with_header("idempotency-key", "once");
    database
        .run(
            "INSERT INTO idempotent_answers (org_id, key, request_hash, status, body, created_at)
             SELECT org_id, 'once', encode(sha256(
                 int8send(4) || 'POST'::bytea || int8send(15) || '/1.6/affiliates'::bytea || int8send(0) || int8send(63)
                 || '{\"firstname\":\"Ada\",\"lastname\":\"Lovelace\",\"password\":\"secret12\"}'::bytea), 'hex'),
                 200, '{\"id\":\"adalovelace\"}', now() FROM orgs WHERE slug = 'demo'",
        )
        .await;
    let send = async |body: &'static str| client.call("POST", "/1.6/affiliates/", body).await;
    let again = send(r#"{"firstname":"Ada","lastname":"Lovelace","password":"secret12"}"#).await;
    assert_eq!((again.status, &again.json), (200, &json!({"id": "adalovelace"})));
    let other = send(r#"{"firstname":"Ada","lastname":"Lovelace","password":"another1"}"#).await;
    assert_eq!(other.status, 422);
}

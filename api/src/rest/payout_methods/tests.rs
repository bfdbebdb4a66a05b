use common::testing;
use serde_json::json;

use crate::testing::Client;

const METHODS: &str = "/1.6/affiliates/janejameson/payout-methods/";

#[tokio::test]
async fn the_first_payout_method_is_the_primary_one() {
    let database = testing::database().await;
    let client = Client::over(&database.pool);
    let paypal = format!("{METHODS}paypal/");
    assert_eq!(client.get(METHODS).await.json, json!([]));
    assert_eq!(client.get(&paypal).await.status, 404);
    let set = client
        .put(&paypal, &json!({"paypal_address": "jane@example-blog.inc"}))
        .await;
    let want = json!({"title": "Paypal", "id": "paypal", "details": {"paypal_address": "jane@example-blog.inc"},
                      "primary": true});
    assert_eq!((set.status, &set.json), (200, &want));
    assert_eq!(client.get(&paypal).await.json, want);
    let bank = client
        .put(
            &format!("{METHODS}bank_transfer/"),
            &json!({"iban": "NL02", "n": 1.10}),
        )
        .await
        .json;
    assert_eq!(
        (&bank["title"], &bank["primary"]),
        (&json!("Bank transfer"), &json!(false))
    );
    assert_eq!(client.get(METHODS).await.json, json!([want, bank]));
    let changed = client
        .put(&paypal, &json!({"paypal_address": "new@example-blog.inc"}))
        .await
        .json;
    assert_eq!(
        changed["details"],
        json!({"paypal_address": "new@example-blog.inc"})
    );
    assert_eq!(changed["primary"], true);
    let trail = "SELECT count(*) FROM audit_entries WHERE action = 'payout_method.set'";
    assert_eq!(database.count(trail).await, 3);
}

#[tokio::test]
async fn payout_methods_are_their_tenants_and_wrong_ones_change_nothing() {
    let database = testing::database().await;
    let client = Client::over(&database.pool);
    let paypal = format!("{METHODS}paypal/");
    let details = json!({"paypal_address": "a@b"});
    for (key, read, write) in [
        ("demo-read-key", 200, 403),
        ("other-key", 404, 404),
        ("demo-program-key", 404, 403),
        ("wrong", 401, 401),
    ] {
        let client = client.with_key(key);
        assert_eq!(client.get(METHODS).await.status, read, "{key}");
        assert_eq!(client.put(&paypal, &details).await.status, write, "{key}");
    }
    for body in ["", "[]", "{}", "[1]", "{", r#"{"a": "\u0000"}"#] {
        assert_eq!(client.call("PUT", &paypal, body).await.status, 400, "{body}");
    }
    let large = json!({"a": "x".repeat(9_000)});
    assert_eq!(client.put(&paypal, &large).await.status, 400);
    for method in ["%00", "a%20b"] {
        assert_eq!(
            client.put(&format!("{METHODS}{method}/"), &details).await.status,
            404
        );
        assert_eq!(client.get(&format!("{METHODS}{method}/")).await.status, 404);
    }
    let of_nobody = "/1.6/affiliates/nobody/payout-methods/paypal/";
    assert_eq!(client.put(of_nobody, &details).await.status, 404);
    assert_eq!(database.count("SELECT count(*) FROM payout_methods").await, 0);
}

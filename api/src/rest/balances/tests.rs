use common::testing;
use serde_json::json;

use crate::testing::Client;

#[tokio::test]
async fn all_balances_other_than_zero_are_listed_by_affiliate() {
    let database = testing::database().await;
    let client = Client::over(&database.pool);
    assert_eq!(client.get("/1.6/balances/").await.json, json!([]));
    for (coupon, currency) in [("PETER10", "USD"), ("JANE10OFF", "EUR"), ("JANE10OFF", "USD")] {
        let sale = json!({"coupon": coupon, "amount": 100, "currency": currency});
        let commission = client.convert(sale).await;
        client
            .put(&format!("/1.6/commissions/{commission}/approved/"), &json!([]))
            .await;
    }
    let answer = client.get("/1.6/balances/?page=2").await;
    let want = json!([
        {"affiliate_id": "janejameson", "balances": {"EUR": 10, "USD": 10}},
        {"affiliate_id": "peterpeterson", "balances": {"USD": 10}},
    ]);
    assert_eq!((answer.status, answer.json), (200, want), "there are no pages");
    let read = client.with_key("demo-read-key").get("/1.6/balances/").await;
    assert_eq!(read.json.as_array().unwrap().len(), 2);
    for key in ["other-key", "demo-program-key"] {
        assert_eq!(
            client.with_key(key).get("/1.6/balances/").await.json,
            json!([]),
            "{key}"
        );
    }
    assert_eq!(client.with_key("wrong").get("/1.6/balances/").await.status, 401);
    assert_eq!(client.call("POST", "/1.6/balances/", "{}").await.status, 405);
}

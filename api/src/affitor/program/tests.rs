use common::testing;
use serde_json::json;

use crate::testing::{Answer, Client};

const CALLS: [&str; 3] = ["status", "events", "performance"];

async fn get(client: &Client, key: &str, path: &str) -> Answer {
    let client = client
        .with_header("x-api-key", "")
        .with_header("authorization", &format!("Bearer {key}"));
    client.get(&format!("/api/tracking/{path}")).await
}

#[tokio::test]
async fn a_sale_is_seen_by_all_three() {
    let database = testing::database().await;
    let client = Client::over(&database.pool);
    let nothing = get(&client, "demo-key", "status/johns-affiliate-program").await;
    assert_eq!((nothing.status, &nothing.json["success"]), (200, &json!(true)));
    assert_eq!(nothing.json["data"]["status"], "waiting");
    let sale = json!({"coupon": "JANE10OFF", "amount": 99, "external_id": "ORD007"});
    client.convert(sale).await;

    let status = get(&client, "demo-key", "status/johns-affiliate-program/")
        .await
        .json;
    assert_eq!(status["data"]["status"], "active");
    assert!(status["data"]["lastSaleAt"].is_string() && status["data"]["lastClickAt"].is_null());
    let number = status["data"]["programId"].clone();
    let events = get(&client, "demo-key", &format!("events/{number}?type=sale"))
        .await
        .json;
    let sale = &events["data"]["events"][0];
    assert_eq!(sale["transaction_id"], "ORD007");
    assert_eq!(sale["partner"], "janejameson");
    assert_eq!(
        (&sale["amount_cents"], &sale["currency"]),
        (&json!(9900), &json!("USD"))
    );
    assert!(sale["commission_id"].is_number());
    let all = get(&client, "demo-key", "performance/johns-affiliate-program")
        .await
        .json;
    assert_eq!(all["data"]["sales"], 1);
    let total = &all["data"]["totals"][0];
    assert_eq!(
        (&total["revenue_cents"], &total["currency"]),
        (&json!(9900), &json!("USD"))
    );
    assert_eq!(all["data"]["isComplete"], true);
    for days in ["date_to=2001-01-01", "dateTo=2001-01-01", "dateFrom=2999-01-01"] {
        let past = format!("performance/johns-affiliate-program?{days}");
        let past = get(&client, "demo-key", &past).await.json;
        assert_eq!(past["data"]["sales"], 0, "{days}: {past}");
    }
}

#[tokio::test]
async fn only_who_may_sees_a_program() {
    let database = testing::database().await;
    let client = Client::over(&database.pool);
    for call in CALLS {
        for (key, program, status) in [
            ("demo-key", "nowhere", 404),
            ("demo-key", "a%00b", 404),
            ("other-key", "johns-affiliate-program", 404),
            ("demo-program-key", "johns-affiliate-program", 404),
            ("demo-program-key", "partner-program", 200),
            ("demo-read-key", "partner-program", 200),
            ("wrong", "partner-program", 401),
            ("locked-key", "partner-program", 403),
        ] {
            let answer = get(&client, key, &format!("{call}/{program}")).await;
            assert_eq!(answer.status, status, "{call} {key} {program}");
            if status != 200 {
                assert!(answer.json["error"].is_string(), "{call} {key} {program}");
            }
        }
    }
    for path in [
        "events/partner-program?type=refund",
        "events/partner-program?limit=0",
        "events/partner-program?page=0",
        "events/partner-program?limit=101",
        "performance/partner-program?date_from=yesterday",
        "performance/partner-program?dateTo=yesterday",
    ] {
        let answer = get(&client, "demo-key", path).await;
        assert_eq!(answer.status, 400, "{path}");
        assert!(answer.json["error"].is_string(), "{path}");
    }
}

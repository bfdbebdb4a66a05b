//! REST 1.6: what the ingest writes the api reads, in the same words; and one process serves both on one path.

use commissary_tests::{Answer, Queue, Shop, World};
use reqwest::Method;
use serde_json::{Value, json};

on_both_queues!(what_is_written_is_read_back);

const KEY: (&str, &str) = ("X-Api-Key", "demo-key");

async fn call(shop: &Shop, method: Method, url: &str, body: Option<&Value>) -> Answer {
    let answer = shop.call(method, url, &[KEY], body).await;
    answer.unwrap_or_else(|error| panic!("{url} gave no answer: {error}"))
}

async fn what_is_written_is_read_back(queue: Queue) {
    let world = World::start(queue).await;
    let shop = &world.shop;
    let path = "/1.6/conversions/";
    let ingest = format!("{}{path}", shop.ingest);
    let api = format!("{}{path}", shop.api);

    let sale = json!({
        "coupon": "JANE10OFF", "external_id": "ORD005", "amount": 100, "currency": "EUR", "meta_data": {"foo": "bar"},
        "program_group": "my-group", "user_agent": "Mozilla/5.0", "ip": "111.11.11.111"
    });
    let written = call(shop, Method::POST, &ingest, Some(&sale)).await.expect(200);
    let number = written.body["id"].as_i64().unwrap();
    let read = shop.get(&format!("{path}{number}/")).await.expect(200);
    assert_eq!(read.body, written.body);
    assert_eq!(written.body["commissions"].as_array().unwrap().len(), 2);

    let commission = &written.body["commissions"][0];
    let one = shop
        .get(&format!("/1.6/commissions/{}/", commission["id"]))
        .await
        .expect(200);
    assert_eq!(one.body["conversion"], json!({"id": number}));
    for (name, value) in commission.as_object().unwrap() {
        assert_eq!(&one.body[name], value, "{name}");
    }
    let pending = shop
        .get("/1.6/commissions/?affiliate_id=janejameson&status=pending&paid=0")
        .await
        .expect(200);
    assert_eq!(pending.body, json!([one.body]));
    assert!(pending.header("link").is_some() && pending.header("x-ratelimit-remaining").is_some());
    shop.get("/1.6/commissions/?status=nonsense").await.expect(400);
    let path = format!("/1.6/commissions/{}/", commission["id"]);
    shop.get_as(&path, Some("other-key")).await.expect(404);

    let again = call(shop, Method::POST, &ingest, Some(&sale)).await.expect(400);
    assert_eq!(again.body["conversion"]["id"], json!(number));

    // Each role has its own methods of the path.
    call(shop, Method::POST, &api, Some(&sale)).await.expect(405);
    call(shop, Method::GET, &ingest, None).await.expect(405);
    world.finish().await;
}

/// `dev` merges the routes of both roles.
pub(crate) async fn both_roles_on_one_path(shop: &Shop) {
    let url = |path: &str| format!("{}{path}", shop.api);
    let sale = json!({"coupon": "PETER10", "external_id": "by-rest", "amount": 10, "customer_id": "USER1"});
    for path in ["/1.6/conversions/", "/1.6/conversions"] {
        call(
            shop,
            Method::POST,
            &url(path),
            Some(&json!({"coupon": "PETER10"})),
        )
        .await
        .expect(200);
        call(shop, Method::GET, &url(path), None).await.expect(200);
        let refused = call(shop, Method::PUT, &url(path), None).await.expect(405);
        assert_eq!(refused.body["code"], json!(405));
        let asks = [
            ("Origin", "https://shop.example"),
            ("Access-Control-Request-Method", "POST"),
        ];
        let preflight = shop
            .call(Method::OPTIONS, &url(path), &asks, None)
            .await
            .unwrap()
            .expect(204);
        assert_eq!(preflight.header("access-control-allow-origin"), Some("*"));
    }
    call(shop, Method::POST, &url("/1.6/conversions/"), Some(&sale))
        .await
        .expect(200);
    let customers = shop.get("/1.6/customers/?customer_id=USER1").await.expect(200);
    assert_eq!(
        customers.body[0]["affiliate"]["id"], "peterpeterson",
        "{customers:?}"
    );
    let id = customers.text("/0/id");
    assert_eq!(
        shop.get(&format!("/1.6/customers/{id}")).await.expect(200).body,
        customers.body[0]
    );
    shop.get_as(&format!("/1.6/customers/{id}/"), Some("other-key"))
        .await
        .expect(404);
    for path in [
        "/1.6/customers/cu_none/",
        "/1.6/clicks/00000000-0000-4000-8000-000000000000/",
        "/1.6/commissions/abc/",
    ] {
        let missing = shop.get(path).await.expect(404);
        assert_eq!(missing.body["message"], "Not Found");
    }
    for path in ["/1.6/clicks/?meta_data[key]=a&meta_data[value]=b", "/1.6/clicks"] {
        shop.get(path).await.expect(200);
    }

    let asked = json!({"program_id": "partner-program", "step_id": "pageview"});
    let tests = call(
        shop,
        Method::POST,
        &url("/api/tracking/check-test-events"),
        Some(&asked),
    )
    .await;
    assert_eq!(tests.expect(200).body["data"]["hasTestEvents"], json!(false));
    let wrong = call(
        shop,
        Method::POST,
        &url("/api/tracking/check-test-events"),
        Some(&json!({})),
    )
    .await;
    assert_eq!(wrong.expect(400).body, json!({"error": "program_id is required"}));
    let ready = shop.get("/api/v1/programs/me/readiness").await.expect(200);
    assert_eq!(ready.body["data"]["program"], "johns-affiliate-program");
    assert_eq!(ready.body["data"]["gates"][4]["passed"], json!(true), "{ready:?}");
    let unknown = shop.get_as("/api/v1/programs/me/readiness", None).await;
    assert_eq!(unknown.expect(401).body, json!({"error": "Invalid API token"}));
}

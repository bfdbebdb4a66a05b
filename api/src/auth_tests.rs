//! Who is let in, and what is said to whom is not, over the routes of the control plane.

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderMap, Request},
};
use common::testing::{self, TestDatabase};
use serde_json::{Value, json};
use tower::ServiceExt;
use utoipa::openapi::OpenApi;

use crate::{router, testing::over};

async fn get(api: &Router, path: &str, headers: &[(&str, &str)]) -> (u16, HeaderMap, Value) {
    let mut request = Request::get(path).header("x-request-id", "req-7");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = api
        .clone()
        .oneshot(request.body(Body::empty()).unwrap())
        .await
        .unwrap();
    let (head, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    (
        head.status.as_u16(),
        head.headers,
        serde_json::from_slice(&body).unwrap(),
    )
}

#[tokio::test]
async fn one_call_too_many_is_told_so_in_the_documented_words() {
    const TEXT: &str = "You exceeded the rate limit";
    let database = testing::database().await;
    database
        .run("UPDATE api_keys SET rate_per_minute = 1 WHERE name = 'demo-read-key'")
        .await;
    let api = router(over(&database.pool), OpenApi::default());
    let key = [("authorization", "Bearer demo-read-key")];
    let (status, headers, _) = get(&api, "/1.6/conversions/", &key).await;
    let integer = |name: &str| headers[name].to_str().unwrap().parse::<i64>().unwrap();
    assert_eq!(
        (
            status,
            integer("x-ratelimit-limit"),
            integer("x-ratelimit-remaining")
        ),
        (200, 1, 0)
    );
    assert!(integer("x-ratelimit-reset") > 1_700_000_000);
    for (path, want) in [
        (
            "/1.6/conversions/",
            json!({"message": TEXT, "code": 429, "errors": [{"message": TEXT}]}),
        ),
        (
            "/v1/events/0",
            json!({"message": TEXT, "code": 429, "errors": [{"message": TEXT}], "request_id": "req-7"}),
        ),
        ("/api/v1/programs/me/readiness", json!({"error": TEXT})),
    ] {
        let (status, headers, body) = get(&api, path, &key).await;
        assert_eq!((status, body), (429, want), "{path}");
        assert_eq!(headers["x-ratelimit-remaining"], "0", "{path}");
        let wait: u64 = headers["retry-after"].to_str().unwrap().parse().unwrap();
        assert!((1..=60).contains(&wait), "{path}: {wait}");
    }
    // Another key has its own allowance.
    let (status, ..) = get(&api, "/1.6/conversions/", &[("x-api-key", "demo-key")]).await;
    assert_eq!(status, 200);
}

#[tokio::test]
async fn an_empty_header_beside_a_good_one_is_no_key() {
    let TestDatabase { pool, .. } = testing::database().await;
    let api = router(over(&pool), OpenApi::default());
    for headers in [
        [("x-api-key", ""), ("api-key", "demo-key")],
        [("x-api-key", " "), ("authorization", "Bearer demo-key")],
    ] {
        assert_eq!(
            get(&api, "/1.6/conversions/", &headers).await.0,
            200,
            "{headers:?}"
        );
    }
    let (status, _, body) = get(&api, "/1.6/conversions/", &[("x-api-key", "")]).await;
    assert_eq!(
        (status, &body["message"]),
        (401, &json!("Authentication Failed."))
    );
}

#[tokio::test]
async fn our_own_errors_name_the_request() {
    let TestDatabase { pool, .. } = testing::database().await;
    let api = router(over(&pool), OpenApi::default());
    let key = [("x-api-key", "demo-key")];
    for (path, headers, status) in [
        ("/v1/events/nothing", key.as_slice(), 404),
        ("/v1/events/nothing", &[], 401),
        ("/v1/explain", &key, 400),
        ("/v1/nothing", &[], 404),
    ] {
        let (found, answered, body) = get(&api, path, headers).await;
        assert_eq!((found, &body["request_id"]), (status, &json!("req-7")), "{path}");
        assert_eq!(answered["x-request-id"], "req-7", "{path}");
    }
    let (_, answered, body) = get(&api, "/1.6/conversions/nothing/", &key).await;
    assert!(body.get("request_id").is_none(), "{body}");
    assert_eq!(answered["x-request-id"], "req-7");
}

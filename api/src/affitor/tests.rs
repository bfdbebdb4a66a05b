//! Keys where none is needed: one that is sent counts as everywhere.

use common::testing;
use serde_json::json;

use crate::testing::Client;

const SEEN: &str = "/api/tracking/check-test-events";
const VISIT: &str = "/api/v1/tracking/status/s1";

async fn call(client: &Client, path: &str) -> (u16, String) {
    let answer = match path {
        SEEN => {
            let body = json!({"program_id": "partner-program"}).to_string();
            client.call("POST", path, body).await
        }
        _ => client.get(path).await,
    };
    let left = answer.headers.get("x-ratelimit-remaining");
    let left = left.map(|left| left.to_str().unwrap().to_owned());
    (answer.status, left.unwrap_or_default())
}

#[tokio::test]
async fn a_key_that_is_sent_is_inside_its_rate_scope_and_feature() {
    let database = testing::database().await;
    database
        .run("UPDATE api_keys SET rate_per_minute = 2 WHERE name = 'demo-read-key'")
        .await;
    database
        .run("UPDATE api_keys SET scopes = '{manage}' WHERE name = 'demo-program-key'")
        .await;
    let client = Client::over(&database.pool);
    for path in [SEEN, VISIT] {
        let nobody = client.with_header("x-api-key", "");
        assert_eq!(call(&nobody, path).await, (200, String::new()), "{path}");
        let bearer = |key: &str| nobody.with_header("authorization", &format!("Bearer {key}"));
        for (client, status) in [
            (client.with_key("wrong"), 401),
            (client.with_key(&"k".repeat(300)), 401),
            (bearer(""), 401),
            (bearer("wrong"), 401),
            (nobody.with_header("authorization", "Basic eDp5"), 401),
            (client.with_key("locked-key"), 403),
            (client.with_key("demo-program-key"), 403),
            (bearer("demo-key"), 200),
        ] {
            assert_eq!(call(&client, path).await.0, status, "{path}");
        }
    }
    let limited = client.with_key("demo-read-key");
    assert_eq!(call(&limited, SEEN).await, (200, "1".to_owned()));
    assert_eq!(call(&limited, VISIT).await, (200, "0".to_owned()));
    for path in [
        SEEN,
        VISIT,
        "/api/tracking/status/partner-program",
        "/1.6/conversions/",
    ] {
        assert_eq!(call(&limited, path).await, (429, "0".to_owned()), "{path}");
    }
}

/// Each in one piece or byte by byte, the body is read as everywhere.
#[tokio::test]
async fn what_is_asked_is_read_as_every_body() {
    let database = testing::database().await;
    let client = Client::over(&database.pool);
    for (body, status) in [
        (r#"{"program_id": "partner-program"}"#.to_owned(), 200),
        (r#"{"program_id": 1, "step_id": "payments"}"#.to_owned(), 200),
        ("program_id=partner-program".to_owned(), 200),
        (
            r#"{"program_id": {"$serde_json::private::Number": "1"}}"#.to_owned(),
            400,
        ),
        (r#"{"program_id": "a", "step_id": "nonsense"}"#.to_owned(), 400),
        ("{}".to_owned(), 400),
        (format!(r#"{{"program_id": "{}"}}"#, "x".repeat(256 * 1024)), 413),
    ] {
        let answer = client.call("POST", SEEN, body.clone()).await;
        assert_eq!(answer.status, status, "{body}");
        assert_eq!(answer.json["error"].is_string(), status != 200, "{body}");
    }
}

//! For tests: who may call what.

use common::testing::TestDatabase;
use serde_json::Value;

use crate::testing::Client;

/// Lets the key manage that is bound to a program and may only record and read.
pub(super) async fn let_bound_key_manage(database: &TestDatabase) {
    database
        .run("UPDATE api_keys SET scopes = '{ingest, read, manage}' WHERE program_id IS NOT NULL")
        .await;
}

/// Asserts that the call is refused to those who may not manage what it is about: the key that reads, another organisation's, one
/// that is bound to another program, and none.
pub(super) async fn assert_only_managers(
    database: &TestDatabase,
    client: &Client,
    (method, path): (&str, &str),
    body: &Value,
) {
    let_bound_key_manage(database).await;
    for (key, status) in [
        ("demo-read-key", 403),
        ("other-key", 404),
        ("demo-program-key", 404),
        ("wrong", 401),
    ] {
        let answer = client.with_key(key).call(method, path, body.to_string()).await;
        assert_eq!(answer.status, status, "{key}: {method} {path}");
        assert!(
            answer.json["errors"][0]["message"].is_string(),
            "{key}: {}",
            answer.json
        );
    }
}

/// Asserts that what the call is about is not shown to another organisation, or to a key that is bound to another program.
pub(super) async fn assert_only_readers(client: &Client, path: &str) {
    for (key, status) in [
        ("demo-read-key", 200),
        ("other-key", 404),
        ("demo-program-key", 404),
        ("wrong", 401),
    ] {
        let answer = client.with_key(key).get(path).await;
        assert_eq!(answer.status, status, "{key}: {path}");
    }
}

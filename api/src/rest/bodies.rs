//! Bodies as clients send them.

use common::http::request::{Fields, Invalid, Received};
use serde_json::{Map, Value};

/// The fields of a body; PHP prints none as an empty list.
///
/// # Errors
/// When the body cannot be read. A number or a word of JSON is no form field: it would replace what is there.
pub(super) fn fields_of(received: &Received) -> Result<Fields, Invalid> {
    let body = received.body().trim_ascii();
    if body == b"[]" {
        return Fields::new(Map::new());
    }
    let is_scalar = !body.starts_with(b"{") && serde_json::from_slice::<Value>(body).is_ok();
    if is_scalar || matches!(body, b"NaN" | b"undefined") {
        return Err(Invalid::new("the request body must be a JSON object"));
    }
    received.body_fields()
}

/// As [`fields_of`], where none would erase what is there: an empty body is a client's mistake.
///
/// # Errors
/// When there is no body, or it cannot be read.
pub(super) fn sent_fields_of(received: &Received) -> Result<Fields, Invalid> {
    if received.body().trim_ascii().is_empty() {
        return Err(Invalid::new("the request body is required: {} for none"));
    }
    fields_of(received)
}

#[cfg(test)]
mod tests {
    use common::testing;
    use serde_json::json;

    use crate::{rest::access::let_bound_key_manage, testing::Client};

    #[tokio::test]
    async fn what_is_no_object_replaces_nothing() {
        let database = testing::database().await;
        let client = Client::over(&database.pool);
        let meta_data = "/1.6/affiliates/janejameson/meta-data/";
        let method = "/1.6/affiliates/janejameson/payout-methods/paypal/";
        let address = json!({"paypal_address": "jane@example-blog.inc"});
        assert_eq!(client.put(method, &address).await.status, 200);
        for path in [meta_data, method] {
            let before = client.get(path).await.json;
            for body in [
                "null",
                "1",
                "-1.5",
                "true",
                "NaN",
                "undefined",
                "\"a\"",
                "[1]",
                "",
                " ",
            ] {
                let answer = client.call("PUT", path, body).await;
                assert_eq!(answer.status, 400, "{path} {body:?}");
            }
            assert_eq!(client.get(path).await.json, before);
        }
        // PHP prints no properties as an empty list.
        assert_eq!(client.call("PUT", meta_data, "[]").await.status, 200);
        assert_eq!(client.get(meta_data).await.json, json!({}));
    }

    #[tokio::test]
    async fn a_key_of_one_program_pays_nobody_elsewhere() {
        let database = testing::database().await;
        let client = Client::over(&database.pool);
        let_bound_key_manage(&database).await;
        let bound = client.with_key("demo-program-key");
        for (method, path) in [
            ("PUT", "/1.6/affiliates/patpartner/payout-methods/paypal/"),
            ("POST", "/1.6/affiliates/patpartner/notes/"),
            ("PUT", "/1.6/affiliates/patpartner/notes/1/"),
            ("DELETE", "/1.6/affiliates/patpartner/notes/1/"),
        ] {
            let body = r#"{"paypal_address": "thief@example.com", "message": "pay me"}"#;
            assert_eq!(
                bound.call(method, path, body).await.status,
                403,
                "{method} {path}"
            );
        }
        let methods = bound.get("/1.6/affiliates/patpartner/payout-methods/").await;
        assert_eq!(methods.json, json!([]));
    }
}

//! All routes.

use std::sync::Arc;

use axum::Router;
use common::http::with_layers;
use utoipa::openapi::OpenApi;

use crate::{Api, affitor, affy, health, openapi, rest, v1};

/// The complete control plane. It also describes the calls of `others`, which another process serves.
pub fn router(api: Api, others: OpenApi) -> Router {
    with_layers(routes(api, others))
}

/// The routes alone, for a process that merges them with others and then puts the layers around all of them. All reads but
/// AFFY's status and Affitor's look for test events need a key. The calls of `others` are described with them.
pub fn routes(api: Api, others: OpenApi) -> Router {
    let health = health::routes(api.health.clone());
    let api = Arc::new(api);
    let routes = affy::status::router(&api)
        .merge(v1::receipts::router(&api))
        .merge(v1::explain::router(&api))
        .merge(v1::commissions::router(&api))
        .merge(v1::audit::router(&api))
        .merge(v1::rejections::router(&api))
        .merge(v1::keys::router(&api))
        .merge(v1::catalog::router(&api))
        .merge(rest::router(&api))
        .merge(affitor::router(&api))
        .with_state(api)
        .merge(health);
    openapi::describe(routes, others)
}

#[cfg(test)]
mod tests {
    use axum::{
        body::{Body, to_bytes},
        http::Request,
    };
    use common::testing::{self, TestDatabase};
    use serde_json::Value;
    use tower::ServiceExt;

    use super::*;
    use crate::testing::over;

    async fn call(api: &Router, method: &str, path: &str) -> (u16, Value) {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("x-api-key", "demo-key");
        let request = request.body(Body::empty()).unwrap();
        let response = api.clone().oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        let body = to_bytes(response.into_body(), 10_000).await.unwrap();
        (status, serde_json::from_slice(&body).unwrap_or_default())
    }

    /// The control plane alone knows the dialects of paths that only the data plane serves.
    #[tokio::test]
    async fn what_is_not_there_has_its_dialects_shape() {
        let TestDatabase { pool, .. } = testing::database().await;
        let api = router(over(&pool), OpenApi::default());
        for (path, pointer) in [
            ("/1.6", "/errors/0/message"),
            ("/1.6/x", "/errors/0/message"),
            ("/1.6/conversions//", "/errors/0/message"),
            ("/1.7/pb/con/c/", "/errors/0/message"),
            ("/api/affiliates", "/message"),
            ("/api/v1/track/sale", "/error"),
            ("/api/v1/programs", "/error"),
            ("/api/v1/tracking", "/message"),
            ("/v1/nothing", "/error"),
            ("/v1/events/%FF", "/request_id"),
            ("/1.6/clicks/%FF/", "/errors/0/message"),
            ("/nothing", "/error"),
        ] {
            let (status, body) = call(&api, "GET", path).await;
            assert_eq!(status, 404, "{path}");
            assert!(
                body.pointer(pointer).is_some_and(Value::is_string),
                "{path}: {body}"
            );
        }
        for (path, pointer) in [
            ("/1.6/conversions/", "/errors/0/message"),
            ("/api/v1/tracking/status/s", "/message"),
            ("/api/v1/programs/me/readiness", "/error"),
            ("/v1/explain/", "/error"),
        ] {
            let (status, body) = call(&api, "DELETE", path).await;
            assert_eq!(status, 405, "{path}");
            assert!(
                body.pointer(pointer).is_some_and(Value::is_string),
                "{path}: {body}"
            );
        }
    }

    #[tokio::test]
    async fn a_list_is_the_same_with_a_last_slash_and_its_links_are_those_of_the_call() {
        let TestDatabase { pool, .. } = testing::database().await;
        let api = router(over(&pool), OpenApi::default());
        for path in ["/1.6/conversions", "/1.6/conversions/", "//1.6/conversions/"] {
            let request = Request::get(path)
                .header("x-api-key", "demo-key")
                .header("host", "shop.example");
            let request = request.body(Body::empty()).unwrap();
            let response = api.clone().oneshot(request).await.unwrap();
            assert_eq!(response.status(), 200, "{path}");
            let link = response.headers()["link"].to_str().unwrap().to_owned();
            assert!(
                link.starts_with(&format!("<http://shop.example{path}?page=1>")),
                "{path}: {link}"
            );
        }
    }
}

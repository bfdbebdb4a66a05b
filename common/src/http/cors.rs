//! Calls from browsers, for the paths that promise them (seeds: REST 1.6, cross-origin resource sharing; Affitor, browser
//! mode; AFFY, script installation).
//!
//! Around the whole router, so that a preflight is answered wherever a path is, and errors can be read, too.
//!
//! Own code beside tower-http's `CorsLayer`, which knows no paths, answers a preflight with 200, and takes every OPTIONS for
//! one.

use axum::{
    extract::Request,
    http::{
        HeaderMap, HeaderName, HeaderValue, Method, StatusCode,
        header::{
            ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
            ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD,
        },
    },
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::path::is_below;

/// Below which paths pages of any origin may call. A key is in a header, never in a cookie: no origin has more
/// rights than another. Affitor's sales and refunds come from servers, which hold the key.
const OPEN: &[&str] = &[
    "/1.6",
    "/api/v1/track/click",
    "/api/v1/track/lead",
    "/api/tracking/click",
    "/api/tracking/lead",
    "/api/v1/tracking",
];
const METHODS: &str = "GET, POST, PUT, PATCH, DELETE";
const HEADERS: &str =
    "Api-Key, Authorization, Content-Type, Idempotency-Key, Prefer, X-Api-Key, X-Request-Id";
/// What a page may read of an answer beside its body.
const EXPOSED: &str = "Link, Location, Retry-After, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, X-Event-Id, X-Request-Id";
/// Seconds for which a browser remembers a preflight: what Chrome takes at most.
const MAX_AGE: &str = "7200";

/// A layer for `axum::middleware::from_fn`.
pub(super) async fn cors(request: Request, next: Next) -> Response {
    let path = request.uri().path();
    if !OPEN.iter().any(|open| is_below(path, open)) {
        return next.run(request).await;
    }
    let is_preflight =
        request.method() == Method::OPTIONS && request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD);
    let mut response = if is_preflight {
        let mut response = StatusCode::NO_CONTENT.into_response();
        let headers = response.headers_mut();
        set(headers, ACCESS_CONTROL_ALLOW_METHODS, METHODS);
        set(headers, ACCESS_CONTROL_ALLOW_HEADERS, HEADERS);
        set(headers, ACCESS_CONTROL_MAX_AGE, MAX_AGE);
        response
    } else {
        next.run(request).await
    };
    set(response.headers_mut(), ACCESS_CONTROL_ALLOW_ORIGIN, "*");
    set(response.headers_mut(), ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    response
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: &'static str) {
    headers.insert(name, HeaderValue::from_static(value));
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "routes of tests need no description")]
mod tests {
    use axum::{Router, body::Body, middleware::from_fn, routing::get};
    use tower::ServiceExt;

    use super::*;

    async fn call(method: &str, path: &str, headers: &[(&str, &str)]) -> Response {
        let router = Router::new()
            .route("/1.6/conversions/", get(async || "read"))
            .route("/1.7/pb/con/c", get(async || "made"))
            .method_not_allowed_fallback(async || StatusCode::METHOD_NOT_ALLOWED)
            .layer(from_fn(cors));
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        router
            .oneshot(request.body(Body::empty()).unwrap())
            .await
            .unwrap()
    }

    #[tokio::test]
    async fn a_preflight_names_the_key_headers_and_needs_no_key() {
        let asks = [
            ("origin", "https://shop.example"),
            ("access-control-request-method", "POST"),
        ];
        let reply = call("OPTIONS", "/1.6/conversions/", &asks).await;
        assert_eq!(reply.status(), StatusCode::NO_CONTENT);
        assert_eq!(reply.headers()[ACCESS_CONTROL_ALLOW_ORIGIN], "*");
        let allowed = reply.headers()[ACCESS_CONTROL_ALLOW_HEADERS].to_str().unwrap();
        for name in [
            "X-Api-Key",
            "Api-Key",
            "Content-Type",
            "Idempotency-Key",
            "X-Request-Id",
        ] {
            assert!(allowed.contains(name), "{allowed}");
        }
        let closed = call("OPTIONS", "/1.7/pb/con/c", &asks).await;
        assert_eq!(closed.status(), StatusCode::METHOD_NOT_ALLOWED);
    }

    #[tokio::test]
    async fn answers_and_errors_can_be_read_by_any_page() {
        for (path, status) in [("/1.6/conversions/", 200), ("/1.6/none/", 404)] {
            let reply = call("GET", path, &[]).await;
            assert_eq!(reply.status().as_u16(), status);
            assert_eq!(reply.headers()[ACCESS_CONTROL_ALLOW_ORIGIN], "*");
            let exposed = reply.headers()[ACCESS_CONTROL_EXPOSE_HEADERS].to_str().unwrap();
            assert!(
                ["Link", "X-RateLimit-Reset", "X-Request-Id"]
                    .iter()
                    .all(|name| exposed.contains(name)),
                "{exposed}"
            );
        }
        let plain = call("OPTIONS", "/1.6/conversions/", &[]).await;
        assert_eq!(plain.status(), StatusCode::METHOD_NOT_ALLOWED, "no preflight");
        let closed = call("GET", "/1.7/pb/con/c", &[]).await;
        assert!(!closed.headers().contains_key(ACCESS_CONTROL_ALLOW_ORIGIN));
    }
}

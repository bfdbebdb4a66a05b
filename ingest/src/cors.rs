//! Calls that browsers make from the pages of other hosts.

use std::time::Duration;

use axum::http::{
    Method,
    header::{AUTHORIZATION, CONTENT_TYPE, LOCATION, RETRY_AFTER},
};
use tower_http::cors::{Any, CorsLayer};

/// How long a browser need not ask again.
const PREFLIGHT_AGE: Duration = Duration::from_hours(2);

/// Any page may POST: no cookie is read, so no visitor's rights are lent to it.
///
/// The route needs an `OPTIONS` handler of its own, or the router's answer to other methods takes the preflight.
pub fn any_origin() -> CorsLayer {
    CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([Method::POST])
        .allow_headers([CONTENT_TYPE, AUTHORIZATION])
        .expose_headers([LOCATION, RETRY_AFTER])
        .max_age(PREFLIGHT_AGE)
}

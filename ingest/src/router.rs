//! All routes, and what is answered where there is none.

use axum::{
    Router,
    extract::Request,
    middleware::{Next, from_fn},
    response::Response,
};
use common::http::cors;

use crate::{Ingest, affitor, affy, native, pixel, tapfiliate, yaplet};
use common::http::{DialectErrors, Rejection, request::MAX_URL_BYTES};

/// The complete data plane.
pub fn router(ingest: Ingest) -> Router {
    with_fallbacks(routes(ingest))
}

/// The routes alone, for a process that merges them with those of another role and then adds the fallbacks once.
pub fn routes(ingest: Ingest) -> Router {
    Router::new()
        .merge(yaplet::routes())
        .merge(tapfiliate::postback::routes())
        .merge(tapfiliate::rest::routes())
        .merge(affitor::routes())
        .merge(native::routes())
        .merge(affy::routes())
        .merge(pixel::routes())
        .with_state(ingest)
}

/// JSON in the shape of the path's dialect for 404, 405 and 414.
pub fn with_fallbacks(router: Router) -> Router {
    router
        .fallback(async |request: Request| turned_away(&request, &Rejection::NotFound))
        .method_not_allowed_fallback(async |request: Request| {
            turned_away(&request, &Rejection::MethodNotAllowed)
        })
        .layer(from_fn(limit_url))
        .layer(from_fn(cors))
}

async fn limit_url(request: Request, next: Next) -> Response {
    let url = request.uri().path_and_query();
    if url.is_some_and(|url| url.as_str().len() > MAX_URL_BYTES) {
        return turned_away(&request, &Rejection::UrlTooLong);
    }
    next.run(request).await
}

fn turned_away(request: &Request, rejection: &Rejection) -> Response {
    if request.uri().path().starts_with(pixel::PATH) {
        return pixel::turned_away(rejection);
    }
    DialectErrors::of_path(request.uri().path()).print(rejection)
}

//! What stands around the routes of every process: one order of layers for all roles.

use axum::{
    Router,
    extract::{OriginalUri, Request},
    middleware::{Next, from_fn, map_request, map_response},
    response::Response,
};

use super::{
    DialectErrors, Rejection, browsers::protect, cors::cors, host, panics::catch_panics, path,
    request::MAX_URL_BYTES, request_span::in_span,
};

/// `routes` as they are served.
pub fn with_layers(routes: Router) -> Router {
    // The last layer is the outermost.
    let routes = routes
        .fallback(async |request: Request| turned_away(&request, &Rejection::NotFound))
        .method_not_allowed_fallback(async |request: Request| {
            turned_away(&request, &Rejection::MethodNotAllowed)
        })
        .layer(from_fn(catch_panics))
        .layer(from_fn(look_at_head))
        .layer(from_fn(cors))
        .layer(from_fn(in_span))
        .layer(map_response(protect));
    // A router's own layers come after its look at the path: what mends the path needs a router around it.
    Router::new()
        .fallback_service(routes)
        .layer(map_request(path::normalise))
}

/// 414 for a URL that is too long, 400 where it is not clear which host is meant, 404 where a segment of the path is missing.
async fn look_at_head(OriginalUri(sent): OriginalUri, request: Request, next: Next) -> Response {
    let url = sent.path_and_query();
    if url.is_some_and(|url| url.as_str().len() > MAX_URL_BYTES) {
        return turned_away(&request, &Rejection::UrlTooLong);
    }
    if let Err(invalid) = host::check(&request) {
        return turned_away(&request, &invalid.into());
    }
    if path::has_empty_segment(request.uri().path()) {
        return turned_away(&request, &Rejection::NotFound);
    }
    next.run(request).await
}

fn turned_away(request: &Request, rejection: &Rejection) -> Response {
    DialectErrors::of_path(request.uri().path()).print(rejection)
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "routes of tests need no description")]
#[path = "layers_tests.rs"]
mod tests;

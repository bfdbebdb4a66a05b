//! The frame of one request: its id and its span, so that all its log lines can be found. At `info` no line is a request's
//! own. Neither a query nor a header's value is ever logged.

use axum::{
    body::Body,
    extract::{MatchedPath, Request},
    http::header::CONTENT_LENGTH,
    middleware::Next,
    response::Response,
};
use tokio::time::Instant;
use tracing::{Instrument, Span, field::Empty};

use super::{
    DialectErrors, Origin, PrintedError,
    request_id::{RequestId, X_REQUEST_ID},
    warnings,
};
use crate::{
    domain::{Dialect, EventId, OrgId},
    telemetry::traces,
};

/// In the paths of calls that answer free data.
const META_DATA: &str = "/meta-data";

/// A layer for `axum::middleware::from_fn`. Every answer has the request's id; so has the body of an error of Commissary's
/// own, while other dialects' errors keep their documented shapes.
pub(super) async fn in_span(mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let origin = Origin::of(request.headers());
    let id = origin.request_id.clone();
    let span = span(&request, &id);
    if let Some(caller) = origin.trace {
        traces::continue_from(&span, caller);
    }
    let errors = DialectErrors::of_path(request.uri().path());
    let noted = origin.warnings.clone();
    let is_free = request.uri().path().contains(META_DATA);
    request.extensions_mut().insert(origin);
    let response = next.run(request).instrument(span.clone()).await;
    let mut response = warnings::tell(response, &noted, is_free).await;
    let status = response.status().as_u16();
    span.in_scope(|| tracing::debug!(status, elapsed = ?started.elapsed(), "answered"));
    if let Some(header) = id.header() {
        response.headers_mut().insert(X_REQUEST_ID, header);
    }
    if let (Some(error), DialectErrors::Plain) = (response.extensions_mut().remove::<PrintedError>(), errors)
    {
        *response.body_mut() = Body::from(error.with_request_id(&id));
        response.headers_mut().remove(CONTENT_LENGTH);
    }
    response
}

fn span(request: &Request, id: &RequestId) -> Span {
    let route = request.extensions().get::<MatchedPath>();
    tracing::info_span!(
        "http.request",
        method = %request.method(),
        // The pattern, not the path: that may hold what is nobody else's business.
        route = route.map(MatchedPath::as_str),
        request.id = id.as_str(),
        org = Empty,
        dialect = Empty,
        event.id = Empty,
    )
}

/// Notes in the request's span whose key came.
pub fn note_org(org: OrgId) {
    Span::current().record("org", org.0);
}

/// Notes in the request's span what it became.
pub fn note_event(dialect: Dialect, event: EventId) {
    let event = tracing::field::display(event);
    tracing::record_all!(Span::current(), dialect = dialect.name(), event.id = event);
}

//! The frame of one request: its id and its span, so that all its log lines can be found. At `info` no line is a request's
//! own. Neither a query nor a header's value is ever logged.

use axum::{
    body::Body,
    extract::{MatchedPath, Request},
    http::{HeaderName, HeaderValue, header::CONTENT_LENGTH},
    middleware::Next,
    response::Response,
};
use tokio::time::Instant;
use tracing::{Instrument, Span, field::Empty};

use super::{
    DialectErrors, Origin, PrintedError, noted,
    request_id::{RequestId, X_REQUEST_ID},
    turned_away, warnings,
};
use crate::{
    domain::{Dialect, EventId, OrgId},
    telemetry::{metrics, traces},
};

/// In the paths of calls that answer free data.
const META_DATA: &str = "/meta-data";

/// The event that a request became.
pub const X_EVENT_ID: HeaderName = HeaderName::from_static("x-event-id");

/// A layer for `axum::middleware::from_fn`. Every answer has the request's id, and that of the event that it became.
pub(super) async fn in_span(mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let origin = Origin::of(request.headers());
    let id = origin.request_id.clone();
    let span = span(&request, &id);
    if let Some(caller) = origin.trace {
        traces::continue_from(&span, caller);
    }
    let errors = DialectErrors::of_path(request.uri().path());
    let left_out = origin.warnings.clone();
    let is_free = request.uri().path().contains(META_DATA);
    request.extensions_mut().insert(origin);
    let asked = turned_away::Asked::of(&request);
    let handled = next.run(request).instrument(span.clone());
    let (mut response, noted) = noted::noting(handled).await;
    let event = noted.event;
    turned_away::note(&asked, &noted, &mut response);
    for warning in noted.warnings {
        left_out.add(warning);
    }
    let mut response = warnings::tell(response, &left_out, is_free).await;
    let (status, took) = (response.status().as_u16(), started.elapsed());
    metrics::answered(asked.method(), asked.route(), status, took);
    span.in_scope(|| tracing::debug!(status, elapsed = ?took, "answered"));
    if let Some(header) = id.header() {
        response.headers_mut().insert(X_REQUEST_ID, header);
    }
    if let Some(header) = event.and_then(|event| HeaderValue::try_from(event.to_string()).ok()) {
        response.headers_mut().insert(X_EVENT_ID, header);
    }
    add_to_error(&mut response, errors, &id, event);
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

/// An error of Commissary's own names the request, and each whose shape is open the event that was refused.
fn add_to_error(response: &mut Response, errors: DialectErrors, id: &RequestId, event: Option<EventId>) {
    let request = (errors == DialectErrors::Plain).then_some(id);
    let event = event.filter(|_| errors.is_open());
    if request.is_none() && event.is_none() {
        return;
    }
    if let Some(error) = response.extensions_mut().remove::<PrintedError>() {
        *response.body_mut() = Body::from(error.with(request, event));
        response.headers_mut().remove(CONTENT_LENGTH);
    }
}

/// Notes whose key came.
pub fn note_org(org: OrgId) {
    Span::current().record("org", org.0);
    noted::org(org);
}

/// Notes what the request became.
pub fn note_event(dialect: Dialect, id: EventId) {
    let event = tracing::field::display(id);
    tracing::record_all!(Span::current(), dialect = dialect.name(), event.id = event);
}

/// Notes that the event which the request became is durable: its caller can ask for it, also where it is refused.
pub fn note_durable(event: EventId) {
    noted::event(event);
}

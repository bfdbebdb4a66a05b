//! Requests that became no event: counted here, and handed to the layers around as [`TurnedAway`], which may keep them.
//!
//! Of the values that were sent only the one that is wrong is kept, and of what is personal only its form.

mod sample;

use axum::{
    extract::{MatchedPath, Request},
    http::{Method, StatusCode, Uri},
    response::Response,
};
use serde_json::Value;

use super::{DialectErrors, PrintedError, dialect_errors::OverQuota, noted::Noted};
use crate::{domain::OrgId, telemetry::metrics};

/// Why a request became no event, without what was sent.
#[derive(Clone, Debug, PartialEq)]
pub struct TurnedAway {
    /// Whose key it came with; `None`: nobody's.
    pub org: Option<OrgId>,
    pub dialect: &'static str,
    pub method: Method,
    /// The pattern of the path; empty: no call is there.
    pub route: String,
    pub reason: &'static str,
    /// The field that was wrong; empty: none, or no single one.
    pub field: String,
    pub message: String,
    /// The names of what was sent, with the kind of each value; see [`sample`].
    pub sample: Value,
}

/// All that a response says of requests that were turned away: one, or some lines of a batch.
#[derive(Clone, Debug)]
pub struct AllTurnedAway(pub Vec<TurnedAway>);

/// What is known of a request before it is handled.
pub(super) struct Asked {
    method: Method,
    uri: Uri,
    /// The pattern of the path; `None`: no call is there.
    route: Option<MatchedPath>,
    errors: DialectErrors,
}

impl Asked {
    pub(super) fn of(request: &Request) -> Self {
        Self {
            method: request.method().clone(),
            uri: request.uri().clone(),
            route: request.extensions().get().cloned(),
            errors: DialectErrors::of_path(request.uri().path()),
        }
    }

    pub(super) fn method(&self) -> &str {
        self.method.as_str()
    }

    /// The pattern of the path; `None`: no call is there.
    pub(super) fn route(&self) -> Option<&str> {
        self.route.as_ref().map(MatchedPath::as_str)
    }

    /// `body`: as far as a sample is to be made of it.
    fn turned_away(
        &self,
        org: Option<OrgId>,
        reason: &'static str,
        field: Option<&str>,
        message: String,
        body: &[u8],
    ) -> TurnedAway {
        let dialect = self.errors.name();
        let field = field.map_or_else(String::new, sample::without_numbers);
        let route = self.route.as_ref().map(MatchedPath::as_str).unwrap_or_default();
        metrics::rejected(dialect, route, reason, &field);
        TurnedAway {
            org,
            dialect,
            method: self.method.clone(),
            route: route.to_owned(),
            reason,
            sample: match org {
                Some(_) => sample::of(self.uri.query().unwrap_or_default(), body, &field),
                None => Value::Null,
            },
            field,
            message,
        }
    }
}

/// Counts the request, if it was turned away, and hands on what is known of it.
pub(super) fn note(asked: &Asked, noted: &Noted, response: &mut Response) {
    let status = response.status();
    let mut all = Vec::new();
    for part in &noted.parts {
        // Not of the body: it has all parts, and would be read once for each.
        all.push(asked.turned_away(noted.org, INVALID, part.field(), part.to_string(), &[]));
    }
    if noted.event.is_none()
        && (status.is_client_error() || status.is_server_error())
        && !is_an_answer(asked, status)
    {
        let printed = response.extensions().get::<PrintedError>().cloned();
        let over = response.extensions().get::<OverQuota>().cloned();
        let field = printed.as_ref().and_then(|printed| printed.field.as_deref());
        let field = over.as_ref().map(|over| over.quota).or(field);
        let message = printed.as_ref().map(|printed| printed.message.clone());
        let message = over.as_ref().map(|over| over.message.clone()).or(message);
        let body = noted.body.as_deref().unwrap_or_default();
        all.push(asked.turned_away(
            noted.org,
            over.as_ref().map_or_else(|| reason(status), |_| QUOTA_EXCEEDED),
            field,
            message.unwrap_or_default(),
            body,
        ));
    }
    if !all.is_empty() {
        response.extensions_mut().insert(AllTurnedAway(all));
    }
}

/// Who asks whether something is there, and is told that it is not, was not turned away.
fn is_an_answer(asked: &Asked, status: StatusCode) -> bool {
    status == StatusCode::NOT_FOUND && asked.method == Method::GET && asked.route.is_some()
}

const INVALID: &str = "invalid";
const QUOTA_EXCEEDED: &str = "quota_exceeded";

fn reason(status: StatusCode) -> &'static str {
    match status {
        StatusCode::BAD_REQUEST => INVALID,
        StatusCode::UNAUTHORIZED => "unauthenticated",
        StatusCode::FORBIDDEN => "forbidden",
        StatusCode::NOT_FOUND => "not_found",
        StatusCode::METHOD_NOT_ALLOWED => "method_not_allowed",
        StatusCode::REQUEST_TIMEOUT => "timeout",
        StatusCode::CONFLICT => "conflict",
        StatusCode::PAYLOAD_TOO_LARGE | StatusCode::URI_TOO_LONG => "too_large",
        StatusCode::UNPROCESSABLE_ENTITY => "idempotency_conflict",
        StatusCode::TOO_MANY_REQUESTS => "rate_limited",
        StatusCode::SERVICE_UNAVAILABLE => "unavailable",
        status if status.is_server_error() => "server_error",
        _ => "other",
    }
}

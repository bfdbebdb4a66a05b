//! The shapes in which dialects print errors, and which path belongs to which.

use std::time::Duration;

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header::RETRY_AFTER},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use super::{Rejection, RequestId, path::is_below, picture};
use crate::domain::EventId;

/// How a dialect says no.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DialectErrors {
    /// `{"success":false,"message":…}` (seed: Yaplet, its one published refusal)
    Yaplet,
    /// `{"message":…,"code":…,"errors":[{"message":…}]}`: newer clients read the first, older ones the last.
    Tapfiliate,
    /// `{"error":…}` (seed: Affitor)
    Affitor,
    /// `{"error":"Unauthorized","message":…}` (seed: AFFY; its one published refusal)
    Affy,
    /// The picture, with the reason in `X-Pixel-Error`.
    Pixel,
    /// `{"error":…,"request_id":…}`: Commissary's own calls, and what belongs to no dialect. The layer adds the id.
    Plain,
}

/// Where the paths of each dialect lie, in both planes.
const PATHS: [(&str, DialectErrors); 9] = [
    ("/api/affiliates", DialectErrors::Yaplet),
    ("/1.6", DialectErrors::Tapfiliate),
    ("/1.7", DialectErrors::Tapfiliate),
    ("/api/v1/track", DialectErrors::Affitor),
    ("/api/tracking", DialectErrors::Affitor),
    ("/api/v1/cli", DialectErrors::Affitor),
    ("/api/v1/programs", DialectErrors::Affitor),
    ("/api/v1/tracking", DialectErrors::Affy),
    ("/p", DialectErrors::Pixel),
];

impl DialectErrors {
    /// The dialect below whose prefix `path` lies, without its last slash. Served or not: a 404 has the dialect's shape, too.
    pub fn of_path(path: &str) -> Self {
        let found = PATHS.iter().find(|(prefix, _)| is_below(path, prefix));
        found.map_or(Self::Plain, |(_, errors)| *errors)
    }

    /// The word for it in metrics and lists.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Yaplet => "yaplet",
            Self::Tapfiliate => "tapfiliate",
            Self::Affitor => "affitor",
            Self::Affy => "affy",
            Self::Pixel => "pixel",
            Self::Plain => "native",
        }
    }

    /// Whether an error may say more than what is documented.
    pub(super) fn is_open(self) -> bool {
        match self {
            Self::Tapfiliate | Self::Plain => true,
            // Printed in full in their seeds; and a picture says nothing.
            Self::Yaplet | Self::Affitor | Self::Affy | Self::Pixel => false,
        }
    }

    /// The answer to a request that is turned away.
    pub fn print(self, rejection: &Rejection) -> Response {
        tracing::debug!(reason = %rejection, "turned away");
        let mut response = self.print_message(rejection.status(), &self.message(rejection));
        if let (Rejection::Invalid(invalid), Some(printed)) =
            (rejection, response.extensions_mut().get_mut::<PrintedError>())
        {
            printed.field = invalid.field().map(ToOwned::to_owned);
        }
        if let Some(quota) = rejection.quota() {
            let message = rejection.to_string();
            response.extensions_mut().insert(OverQuota { quota, message });
        }
        if let Some(wait) = rejection.retry_after() {
            let headers = response.headers_mut();
            headers.insert(RETRY_AFTER, HeaderValue::from(whole_seconds(wait)));
        }
        response
    }

    pub fn print_message(self, status: StatusCode, message: &str) -> Response {
        if self == Self::Pixel {
            return picture::refused(status, message);
        }
        let body = self.body(status, message);
        let mut response = (status, Json(&body)).into_response();
        let message = message.to_owned();
        let field = None;
        response
            .extensions_mut()
            .insert(PrintedError { message, field, body });
        response
    }

    /// The body alone, for answers that say more beside the message.
    pub fn body(self, status: StatusCode, message: &str) -> Value {
        match self {
            Self::Yaplet => json!({"success": false, "message": message}),
            Self::Tapfiliate => {
                json!({"message": message, "code": status.as_u16(), "errors": [{"message": message}]})
            }
            Self::Affy => {
                json!({"error": status.canonical_reason().unwrap_or("Error"), "message": message})
            }
            Self::Affitor | Self::Pixel | Self::Plain => json!({"error": message}),
        }
    }

    fn message(self, rejection: &Rejection) -> String {
        match (self, rejection) {
            // Measured at the real service.
            (Self::Tapfiliate, Rejection::Unauthenticated) => "Authentication Failed.".to_owned(),
            (Self::Tapfiliate, Rejection::NotFound) => "Not Found".to_owned(),
            // Published clients compare this text.
            (
                Self::Tapfiliate,
                Rejection::RateLimited { .. }
                | Rejection::QuotaPerMinute { .. }
                | Rejection::QuotaUnderWay { .. },
            ) => "You exceeded the rate limit".to_owned(),
            (Self::Affitor, Rejection::Unauthenticated) => "Invalid API token".to_owned(),
            (Self::Yaplet, Rejection::Unauthenticated) => "Missing or invalid Y-API-Key header".to_owned(),
            (Self::Affy, Rejection::Unauthenticated) => "Invalid or missing API key".to_owned(),
            _ => rejection.to_string(),
        }
    }
}

/// What an error says, beside its response as an extension: for layers that print it in another shape, or add to it.
#[derive(Clone, Debug)]
pub struct PrintedError {
    pub message: String,
    /// The field that is wrong, if it is one.
    pub field: Option<String>,
    body: Value,
}

impl PrintedError {
    /// Its body with the request's id and the event's, where they are given.
    pub(super) fn with(mut self, request: Option<&RequestId>, event: Option<EventId>) -> String {
        if let Value::Object(fields) = &mut self.body {
            if let Some(id) = request {
                fields.insert("request_id".to_owned(), id.as_str().into());
            }
            if let Some(event) = event {
                fields.insert("event_id".to_owned(), event.to_string().into());
            }
        }
        self.body.to_string()
    }
}

/// Which quota a request was turned away by, beside its response as an extension: what is printed is the dialect's word for it.
#[derive(Clone, Debug)]
pub(super) struct OverQuota {
    pub(super) quota: &'static str,
    pub(super) message: String,
}

/// At least one: a caller told to wait 0 s would come back at once.
pub fn whole_seconds(wait: Duration) -> u64 {
    let started = u64::from(wait.subsec_nanos() > 0);
    wait.as_secs().saturating_add(started).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::{Rate, request::Invalid};

    /// The type and not the shape decides the status; only those that time mends name a time.
    #[test]
    fn every_rejection_has_its_status_in_every_dialect() {
        let retry_after = Duration::from_secs(7);
        for (rejection, status, wait) in [
            (Rejection::Unauthenticated, 401, None),
            (Rejection::Unverifiable, 503, Some("1")),
            (Rejection::Forbidden("no"), 403, None),
            (Rejection::RateLimited { retry_after }, 429, Some("7")),
            (
                Rejection::QuotaPerMinute {
                    rate: Rate {
                        limit: 5,
                        remaining: 0,
                        retry_after: Some(retry_after),
                    },
                    retry_after,
                },
                429,
                Some("7"),
            ),
            (Rejection::QuotaUnderWay { limit: 5 }, 429, Some("1")),
            (Rejection::NotFound, 404, None),
            (Rejection::MethodNotAllowed, 405, None),
            (Rejection::BodyTimeout, 408, None),
            (Rejection::BodiesFull, 503, Some("1")),
            (Rejection::BodyTooLarge { limit: 1 }, 413, None),
            (Rejection::UrlTooLong, 414, None),
            (Rejection::Invalid(Invalid::new("f is required")), 400, None),
            (Rejection::Unavailable { retry_after }, 503, Some("7")),
        ] {
            for errors in [
                DialectErrors::Yaplet,
                DialectErrors::Tapfiliate,
                DialectErrors::Affitor,
                DialectErrors::Affy,
                DialectErrors::Pixel,
                DialectErrors::Plain,
            ] {
                let response = errors.print(&rejection);
                let header = response.headers().get(RETRY_AFTER);
                assert_eq!(response.status().as_u16(), status, "{errors:?} {rejection:?}");
                assert_eq!(
                    header.map(|wait| wait.to_str().unwrap()),
                    wait,
                    "{errors:?} {rejection:?}"
                );
            }
        }
    }

    #[test]
    fn a_path_has_the_dialect_of_its_prefix() {
        for (path, errors) in [
            ("/1.6", DialectErrors::Tapfiliate),
            ("/1.6/x", DialectErrors::Tapfiliate),
            ("/1.6/conversions//commissions", DialectErrors::Tapfiliate),
            ("/1.60", DialectErrors::Plain),
            ("/1.7/pb", DialectErrors::Tapfiliate),
            ("/api/affiliates", DialectErrors::Yaplet),
            ("/api/v1/track", DialectErrors::Affitor),
            ("/api/v1/tracking", DialectErrors::Affy),
            ("/api/tracking/x", DialectErrors::Affitor),
            ("/api/v1/programs/me", DialectErrors::Affitor),
            ("/p", DialectErrors::Pixel),
            ("/p/k.gif", DialectErrors::Pixel),
            ("/pages", DialectErrors::Plain),
            ("/v1/events", DialectErrors::Plain),
            ("/api/v1", DialectErrors::Plain),
            ("/", DialectErrors::Plain),
        ] {
            assert_eq!(DialectErrors::of_path(path), errors, "{path}");
        }
    }

    #[test]
    fn waits_are_rounded_up() {
        for (millis, want) in [(0, 1), (1, 1), (1000, 1), (1001, 2), (59_999, 60)] {
            assert_eq!(whole_seconds(Duration::from_millis(millis)), want);
        }
    }
}

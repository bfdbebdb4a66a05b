//! Why a request is turned away before it becomes an event: the same reasons for every dialect.

use std::time::Duration;

use axum::http::StatusCode;

use super::Rate;
use crate::http::request::Invalid;

/// How long a caller whose body found no room should wait: those that send slowly are let go by then.
const ROOM_AGAIN: Duration = Duration::from_secs(1);
/// How long a caller with too much under way should wait: by then some is decided.
const DECIDED_AGAIN: Duration = Duration::from_secs(1);
/// How long a caller whose key cannot be verified now should wait.
const VERIFY_AGAIN: Duration = Duration::from_secs(1);

#[derive(Debug, thiserror::Error)]
pub enum Rejection {
    #[error("the API key is missing or invalid")]
    Unauthenticated,
    #[error("the API key cannot be verified at the moment")]
    Unverifiable,
    #[error("{0}")]
    Forbidden(&'static str),
    #[error("you exceeded the rate limit")]
    RateLimited { retry_after: Duration },
    #[error("the organisation's quota of {} events a minute is used up", .rate.limit)]
    QuotaPerMinute { rate: Rate, retry_after: Duration },
    #[error("the organisation has as many events under way as its quota allows: {limit}")]
    QuotaUnderWay { limit: u32 },
    #[error("there is nothing at this path")]
    NotFound,
    #[error("this path does not take this method")]
    MethodNotAllowed,
    #[error("the request body did not arrive in time")]
    BodyTimeout,
    #[error("too many request bodies are under way")]
    BodiesFull,
    #[error("the request body is larger than {limit} bytes")]
    BodyTooLarge { limit: usize },
    #[error("the URL is longer than {} bytes", crate::http::request::MAX_URL_BYTES)]
    UrlTooLong,
    #[error(transparent)]
    Invalid(#[from] Invalid),
    #[error("events cannot be accepted at the moment")]
    Unavailable { retry_after: Duration },
}

impl Rejection {
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Unauthenticated => StatusCode::UNAUTHORIZED,
            Self::Unverifiable | Self::BodiesFull | Self::Unavailable { .. } => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Self::Forbidden(_) => StatusCode::FORBIDDEN,
            Self::RateLimited { .. } | Self::QuotaPerMinute { .. } | Self::QuotaUnderWay { .. } => {
                StatusCode::TOO_MANY_REQUESTS
            }
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::BodyTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::BodyTooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UrlTooLong => StatusCode::URI_TOO_LONG,
            Self::Invalid(_) => StatusCode::BAD_REQUEST,
        }
    }

    /// When to try again, where trying again helps.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RateLimited { retry_after }
            | Self::QuotaPerMinute { retry_after, .. }
            | Self::Unavailable { retry_after } => Some(*retry_after),
            Self::QuotaUnderWay { .. } => Some(DECIDED_AGAIN),
            Self::Unverifiable => Some(VERIFY_AGAIN),
            Self::BodiesFull => Some(ROOM_AGAIN),
            Self::Unauthenticated
            | Self::Forbidden(_)
            | Self::NotFound
            | Self::MethodNotAllowed
            | Self::BodyTimeout
            | Self::BodyTooLarge { .. }
            | Self::UrlTooLong
            | Self::Invalid(_) => None,
        }
    }

    /// The quota that is used up, in the words of the catalog file, if it is one.
    pub(super) fn quota(&self) -> Option<&'static str> {
        match self {
            Self::QuotaPerMinute { .. } => Some("events_per_minute"),
            Self::QuotaUnderWay { .. } => Some("events_under_way"),
            _ => None,
        }
    }

    /// The allowance that is used up, where it is one of a minute.
    pub fn rate(&self) -> Option<Rate> {
        match self {
            Self::QuotaPerMinute { rate, .. } => Some(*rate),
            _ => None,
        }
    }
}

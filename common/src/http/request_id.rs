//! The id under which one request is found: in log lines, in its answer, in the row of its event. A caller may choose it.
//!
//! Own code beside tower-http's layers for request ids, which believe any text that is sent.

use std::{fmt, sync::Arc};

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use uuid::Builder;

/// Where a caller sends its id, and where each answer has it.
pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Characters of a caller's id, at most.
pub const MAX_REQUEST_ID: usize = 128;

/// 1 to [`MAX_REQUEST_ID`] visible ASCII characters. Clones are cheap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(Arc<str>);

impl RequestId {
    /// The caller's, if it may be printed anywhere; else a new one.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let sent = headers.get(X_REQUEST_ID).and_then(|sent| sent.to_str().ok());
        sent.filter(|sent| is_printable(sent))
            .map_or_else(Self::random, |sent| Self(sent.into()))
    }

    /// A UUID of version 4: it proves nothing and sorts nowhere, unlike an event's id.
    pub(super) fn random() -> Self {
        let id = Builder::from_random_bytes(rand::random()).into_uuid();
        Self(id.to_string().into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// `None`: never, its characters are those of headers.
    pub(super) fn header(&self) -> Option<HeaderValue> {
        HeaderValue::from_str(&self.0).ok()
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_printable(sent: &str) -> bool {
    (1..=MAX_REQUEST_ID).contains(&sent.len()) && sent.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(sent: &[u8]) -> RequestId {
        let value = HeaderValue::from_bytes(sent).unwrap();
        RequestId::of(&HeaderMap::from_iter([(X_REQUEST_ID, value)]))
    }

    #[test]
    fn a_callers_id_is_kept_if_it_can_be_printed_anywhere() {
        let longest = "~".repeat(MAX_REQUEST_ID);
        for sent in ["1", "req-7/a:b", longest.as_str()] {
            assert_eq!(of(sent.as_bytes()).as_str(), sent);
        }
        let too_long = "x".repeat(MAX_REQUEST_ID + 1);
        for sent in ["", "a b", "caf\u{e9}", "a\tb", too_long.as_str()] {
            let made = of(sent.as_bytes());
            assert_ne!(made.as_str(), sent);
            assert_eq!(uuid::Uuid::parse_str(made.as_str()).unwrap().get_version_num(), 4);
        }
        assert_ne!(RequestId::of(&HeaderMap::new()), RequestId::of(&HeaderMap::new()));
    }
}

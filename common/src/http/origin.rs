//! Where a request came from: what its event keeps of that, for whoever looks for the one by the other.

use axum::http::HeaderMap;

use super::{RequestId, Warnings};
use crate::domain::TraceParent;

/// The header of W3C Trace Context.
const TRACEPARENT: &str = "traceparent";

/// An extension of every request. Clones are cheap.
#[derive(Clone, Debug)]
pub struct Origin {
    pub request_id: RequestId,
    /// The caller's trace, if it is in one and says so as the standard wants it.
    pub trace: Option<TraceParent>,
    /// What its reader leaves out or cuts.
    pub warnings: Warnings,
}

impl Origin {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let trace = headers.get(TRACEPARENT).and_then(|sent| sent.to_str().ok());
        Self {
            request_id: RequestId::of(headers),
            trace: trace.and_then(|sent| sent.parse().ok()),
            warnings: Warnings::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn trace(sent: &'static str) -> Option<TraceParent> {
        Origin::of(&HeaderMap::from_iter([(
            TRACEPARENT.parse().unwrap(),
            HeaderValue::from_static(sent),
        )]))
        .trace
    }

    #[test]
    fn a_callers_trace_is_known_if_it_is_one() {
        let sent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        assert_eq!(trace(sent).unwrap().to_string(), sent);
        assert_eq!(trace("00-4bf92f3577b34da6"), None);
        assert_eq!(Origin::of(&HeaderMap::new()).trace, None);
    }
}

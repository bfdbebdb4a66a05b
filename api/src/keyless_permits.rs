//! Reads that need no key. A few at once, all of them together: they must leave connections to those who have one.

use std::time::Duration;

use axum::http::StatusCode;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::Problem;

/// Reads without a key that are under way in one process, at most; its pool has more connections than this.
pub(crate) const MAX_KEYLESS_READS: usize = 4;
/// How long one waits for its turn: a crowd of visitors passes, a flood is turned away.
const PATIENCE: Duration = Duration::from_secs(1);

/// The permits of reads without a key.
#[derive(Debug)]
pub(crate) struct KeylessPermits(Semaphore);

impl Default for KeylessPermits {
    fn default() -> Self {
        Self(Semaphore::new(MAX_KEYLESS_READS))
    }
}

impl KeylessPermits {
    /// A turn, until it is dropped.
    ///
    /// # Errors
    /// 503 when none is free in time.
    pub(crate) async fn permit(&self) -> Result<SemaphorePermit<'_>, Problem> {
        let turn = tokio::time::timeout(PATIENCE, self.0.acquire()).await;
        turn.ok().and_then(Result::ok).ok_or_else(|| {
            let wrong = "Too many requests without a key: try again in a moment";
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, wrong)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use axum::{
        Router,
        body::{Body, to_bytes},
        http::Request,
        response::Response,
    };
    use common::testing::{self, TestDatabase};
    use serde_json::{Value, json};
    use tower::ServiceExt;

    use super::*;
    use crate::{affitor, affy, testing::over};

    #[tokio::test]
    async fn a_turn_that_ends_is_the_next_ones() {
        let reads = KeylessPermits::default();
        let mut permits = Vec::new();
        for _ in 0..MAX_KEYLESS_READS {
            permits.push(reads.permit().await.unwrap());
        }
        let (waited, ()) = tokio::join!(reads.permit(), async { drop(permits.pop()) });
        assert!(waited.is_ok());
    }

    async fn status(router: &Router, key: Option<&str>) -> Response {
        let request = Request::get("/api/v1/tracking/status/s1");
        let request = match key {
            Some(key) => request.header("authorization", format!("Bearer {key}")),
            None => request,
        };
        let request = request.body(Body::empty()).unwrap();
        router.clone().oneshot(request).await.unwrap()
    }

    async fn tests_seen(router: &Router, key: Option<&str>) -> Response {
        let request = Request::post("/api/tracking/check-test-events");
        let request = match key {
            Some(key) => request.header("x-api-key", key),
            None => request,
        };
        let body = Body::from(json!({"program_id": "partner-program"}).to_string());
        router.clone().oneshot(request.body(body).unwrap()).await.unwrap()
    }

    async fn body(response: Response) -> Value {
        let body = to_bytes(response.into_body(), 10_000).await.unwrap();
        serde_json::from_slice(&body).unwrap()
    }

    #[tokio::test]
    async fn both_reads_share_the_turns_and_a_key_needs_none() {
        let TestDatabase { pool, .. } = testing::database().await;
        let api = Arc::new(over(&pool));
        let router = affy::status::router(&api).merge(affitor::router(&api));
        let router: Router = router.with_state(Arc::clone(&api)).into();
        let mut permits = Vec::new();
        for _ in 0..MAX_KEYLESS_READS {
            permits.push(api.keyless_permits.permit().await.unwrap());
        }
        let (first, second) = tokio::join!(status(&router, None), tests_seen(&router, None));
        for refused in [&first, &second] {
            assert_eq!(refused.status(), 503);
            assert_eq!(refused.headers()["retry-after"], "2");
        }
        assert_eq!(
            body(first).await["error"],
            "Service Unavailable",
            "in AFFY's shape"
        );
        let second = body(second).await;
        assert!(
            second["error"].as_str().unwrap().contains("without a key"),
            "{second}"
        );
        for key in ["demo-key", "demo-program-key"] {
            assert_eq!(status(&router, Some(key)).await.status(), 200);
            assert_eq!(tests_seen(&router, Some(key)).await.status(), 200);
        }
        drop(permits);
        assert_eq!(status(&router, None).await.status(), 200);
        assert_eq!(tests_seen(&router, None).await.status(), 200);
    }
}

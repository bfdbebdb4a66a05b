//! A client that hangs up neither undoes nor half-does anything.

use axum::{
    extract::Request,
    http::StatusCode,
    middleware::Next,
    response::{IntoResponse, Response},
};
use common::http::carry;
use tracing::Instrument;

use crate::Problem;

/// A layer: what is behind it runs to its end even when nobody waits for the answer any more.
pub(crate) async fn to_its_end(request: Request, next: Next) -> Response {
    #[expect(
        clippy::disallowed_methods,
        reason = "it ends by itself; when the process ends before, its transaction is rolled back"
    )]
    let work = tokio::spawn(carry(next.run(request)).in_current_span());
    match work.await {
        Ok(response) => response,
        // Let the layer around all routes see a panic.
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_stopped) => {
                Problem::new(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable").into_response()
            }
        },
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "routes of tests need no description")]
mod tests {
    use std::sync::Arc;

    use axum::{Router, body::Body, middleware::from_fn, routing::put};
    use tokio::sync::Notify;
    use tower::ServiceExt;

    use super::*;

    #[tokio::test]
    async fn work_goes_on_when_its_client_is_gone() {
        let (begun, go_on, done) = (
            Arc::new(Notify::new()),
            Arc::new(Notify::new()),
            Arc::new(Notify::new()),
        );
        let work = {
            let (begun, go_on, done) = (Arc::clone(&begun), Arc::clone(&go_on), Arc::clone(&done));
            async move || {
                begun.notify_one();
                go_on.notified().await;
                done.notify_one();
            }
        };
        let routes = Router::new().route("/", put(work)).layer(from_fn(to_its_end));
        let request = Request::put("/").body(Body::empty()).unwrap();
        let mut answer = Box::pin(routes.oneshot(request));
        tokio::select! {
            _ = &mut answer => panic!("it answered before it had ended"),
            () = begun.notified() => {}
        }
        drop(answer);
        go_on.notify_one();
        done.notified().await;
    }
}

//! A handler that panics: a bug, and none of the caller's business. The connection and its neighbours live on.

use std::any::Any;

use axum::{
    body::Body,
    extract::Request,
    http::StatusCode,
    middleware::Next,
    response::{IntoResponse, Response},
};
use tower::ServiceExt;
use tower_http::catch_panic::{CatchPanic, ResponseForPanic};

use super::DialectErrors;
use crate::telemetry::metrics;

/// A layer for `axum::middleware::from_fn`: 500 in the shape of the path's dialect.
pub(super) async fn catch_panics(request: Request, next: Next) -> Response {
    let shape = PanicShape(DialectErrors::of_path(request.uri().path()));
    let caught = CatchPanic::custom(next, shape).oneshot(request).await;
    caught.map_or_else(IntoResponse::into_response, |response| response.map(Body::new))
}

#[derive(Clone, Copy)]
struct PanicShape(DialectErrors);

impl ResponseForPanic for PanicShape {
    type ResponseBody = Body;

    fn response_for_panic(&mut self, panic: Box<dyn Any + Send>) -> Response {
        tracing::error!(panic = message(&*panic), "a handler panicked");
        metrics::handler_panicked();
        let Self(errors) = self;
        errors.print_message(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")
    }
}

fn message(panic: &(dyn Any + Send)) -> &str {
    let formatted = panic.downcast_ref::<String>().map(String::as_str);
    formatted
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("not a text")
}

//! Answers that are given before there is a request, in the shape of all our errors.

use std::{io::Write as _, net::Shutdown, time::Duration};

use axum::http::StatusCode;
use tokio::net::TcpStream;

use super::open::Full;
use crate::{
    http::{DialectErrors, RequestId, whole_seconds},
    telemetry::metrics,
};

/// When a connection too many may come again.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Tells a connection that there is no place for it, as far as it can be told at once, and closes it.
pub(super) fn turn_away(stream: TcpStream, full: Full) {
    let (status, message, why) = match full {
        Full::Server => (
            StatusCode::SERVICE_UNAVAILABLE,
            "there are too many connections",
            "server",
        ),
        Full::Client => (
            StatusCode::TOO_MANY_REQUESTS,
            "this client has too many connections",
            "client",
        ),
    };
    metrics::connection_refused(why);
    let Ok(mut stream) = stream.into_std() else { return };
    // Who cannot be told at once is not waited for: the socket does not block.
    stream.write_all(&answer(status, message, Some(RETRY_AFTER))).ok();
    stream.shutdown(Shutdown::Write).ok();
}

/// A whole answer, after which the connection is closed.
pub(super) fn answer(status: StatusCode, message: &str, retry_after: Option<Duration>) -> Vec<u8> {
    let id = RequestId::random();
    let mut body = DialectErrors::Plain.body(status, message);
    if let Some(fields) = body.as_object_mut() {
        fields.insert("request_id".to_owned(), id.as_str().into());
    }
    let body = body.to_string();
    let retry_after = retry_after.map_or_else(String::new, |wait| {
        format!("retry-after: {}\r\n", whole_seconds(wait))
    });
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\nx-content-type-options: nosniff\r\nx-request-id: {id}\r\n\
         {retry_after}connection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

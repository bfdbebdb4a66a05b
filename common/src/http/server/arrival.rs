//! A request waits here for its body before it goes to its handler: what a handler and the layers around it keep of one request is
//! many times what waits here, and who sends slowly would make them keep it long.
//!
//! Who a request is from, and whether it may, is not asked here.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    BoxError,
    body::{Body, BodyDataStream, HttpBody},
    extract::Request,
    http::{HeaderMap, HeaderValue, request::Parts},
};
use bytes::Bytes;
use futures_util::Stream as _;
use hyper::body::{Frame, SizeHint};

use super::connection::Connection;
use crate::http::{
    Rejection,
    request::{NotAwaited, Reading},
};

/// Bytes of a body that are waited for. The rest of a longer one is read by its handler.
pub(super) const AWAITED_BYTES: usize = 64 * 1024;
/// A body of which nothing has come after so long is slow.
const PROMPT: Duration = Duration::from_millis(50);

/// The request when its body is there, or as much of it as is waited for, or when the rest will not come.
pub(super) async fn arrived(request: Request, connection: &Connection) -> Request {
    if request.body().is_end_stream() {
        return request;
    }
    let (mut head, body) = request.into_parts();
    let size = body.size_hint();
    let mut reading = Reading::new(body, usize::MAX, Some(connection), None);
    let first = match reading.first(PROMPT).await {
        Some(Ok(Some(whole))) if size.exact() == u64::try_from(whole.len()).ok() => {
            return Request::from_parts(head, Body::from(whole));
        }
        first => first,
    };
    let_go(&mut head);
    head.extensions.insert(reading.began());
    let failure = gather(&mut reading, first).await.err();
    let (bytes, rest) = reading.into_parts();
    let body = Body::new(Arrived {
        first: Some(bytes).filter(|bytes| !bytes.is_empty()),
        failure,
        rest,
        size,
    });
    Request::from_parts(head, body)
}

/// Keeps what comes, until it is enough.
async fn gather(
    reading: &mut Reading<'_>,
    first: Option<Result<Option<Bytes>, Rejection>>,
) -> Result<(), Rejection> {
    let mut next = first;
    while reading.len() < AWAITED_BYTES {
        let chunk = match next.take() {
            Some(chunk) => chunk?,
            None => reading.next().await?,
        };
        let Some(chunk) = chunk else { break };
        reading.keep(&chunk)?;
    }
    Ok(())
}

/// Copies what lies in the buffer into which the head was read, so that the buffer is free.
fn let_go(head: &mut Parts) {
    let mut headers = HeaderMap::with_capacity(head.headers.len());
    for (name, value) in &head.headers {
        if let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) {
            headers.append(name.clone(), value);
        }
    }
    head.headers = headers;
    if let Ok(uri) = head.uri.to_string().parse() {
        head.uri = uri;
    }
}

/// A body of which a part has been waited for.
struct Arrived {
    first: Option<Bytes>,
    /// Why the rest is not waited for.
    failure: Option<Rejection>,
    rest: BodyDataStream,
    /// Of the whole.
    size: SizeHint,
}

impl HttpBody for Arrived {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(Ok(Frame::data(first))));
        }
        if let Some(failure) = self.failure.take() {
            return Poll::Ready(Some(Err(NotAwaited(failure).into())));
        }
        let next = Pin::new(&mut self.rest).poll_next(cx);
        next.map(|next| next.map(|chunk| chunk.map(Frame::data).map_err(Into::into)))
    }

    fn size_hint(&self) -> SizeHint {
        self.size
    }
}

//! The body of a request as it comes over the network. Who drops it before its end leaves bytes on the connection, and the
//! connection knows.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use axum::body::HttpBody;
use bytes::Bytes;
use hyper::body::{Frame, Incoming, SizeHint};

use super::connection::Connection;

pub(super) struct RequestBody {
    incoming: Incoming,
    connection: Connection,
    has_ended: bool,
}

impl RequestBody {
    pub(super) fn new(incoming: Incoming, connection: Connection) -> Self {
        Self {
            incoming,
            connection,
            has_ended: false,
        }
    }
}

impl HttpBody for RequestBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<hyper::Result<Frame<Bytes>>>> {
        let this = self.get_mut();
        let frame = ready!(Pin::new(&mut this.incoming).poll_frame(cx));
        this.has_ended = frame.is_none() || this.incoming.is_end_stream();
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}

impl Drop for RequestBody {
    fn drop(&mut self) {
        if !self.has_ended {
            self.connection.leave_unread();
        }
    }
}

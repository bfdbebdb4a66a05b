//! The bytes of a body: not too many, not too slowly, and of all bodies together no more than the process has room for.
//!
//! Whatever reads a body reads it here. A body lies in one buffer, however small the pieces are in which it comes.

use std::time::Duration;

use axum::body::{Body, BodyDataStream, HttpBody};
use bytes::Bytes;
use futures_util::StreamExt;
use tokio::time::{Instant, timeout_at};

use super::Invalid;
use crate::http::{
    Rejection,
    server::{Connection, Held},
};

/// Of a request that records one event, or changes one thing: nobody's documented limits are a reason to lose a sale. What is kept
/// of it has limits of its own, field by field.
pub const MAX_BODY_BYTES: usize = 256 * 1024;
/// From the end of the headers to the end of the body.
pub const BODY_TIMEOUT: Duration = Duration::from_secs(10);
/// The same, while the bodies under way have more than half of their room, or more than half of all connections are taken.
pub const SCARCE_BODY_TIMEOUT: Duration = Duration::from_secs(1);
/// Bytes that each body has without asking for room: most are smaller, and their number is that of the connections.
pub const FREE_BODY_BYTES: usize = 8 * 1024;

/// When a request began whose body was waited for before it came to its handler: an extension of it.
#[derive(Clone, Copy, Debug)]
pub(in crate::http) struct BodyBegan(pub(in crate::http) Instant);

/// Why no more of a body comes: the error of its stream.
#[derive(Debug, thiserror::Error)]
#[error("the rest of the body is not waited for")]
pub(in crate::http) struct NotAwaited(pub(in crate::http) Rejection);

/// Reads the whole body of at most `limit` bytes, which came by `connection`.
///
/// # Errors
/// 413, 408, 503 without room for it, or 400 when the connection breaks off.
pub(super) async fn read(
    body: Body,
    limit: usize,
    connection: Option<&Connection>,
    began: Option<BodyBegan>,
) -> Result<Bytes, Rejection> {
    let declared = declared(&body);
    if declared.is_some_and(|bytes| bytes > limit) {
        return Err(Rejection::BodyTooLarge { limit });
    }
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    let mut reading = Reading::new(body, limit, connection, began);
    while let Some(chunk) = reading.next().await? {
        if reading.len() == 0 && declared == Some(chunk.len()) {
            return Ok(chunk);
        }
        reading.keep(&chunk)?;
    }
    Ok(reading.into_parts().0)
}

fn declared(body: &Body) -> Option<usize> {
    let bytes = body.size_hint().exact();
    bytes.and_then(|bytes| usize::try_from(bytes).ok())
}

/// A body that is being read, and what has come of it.
pub(in crate::http) struct Reading<'a> {
    chunks: BodyDataStream,
    connection: Option<&'a Connection>,
    began: Instant,
    /// When it is next asked whether there is still time.
    patience: Instant,
    bytes: Vec<u8>,
    /// No more will come, or is taken.
    most: usize,
    limit: usize,
    /// The room beyond [`FREE_BODY_BYTES`]. `None`: nobody counts.
    held: Option<Held>,
}

impl<'a> Reading<'a> {
    pub(in crate::http) fn new(
        body: Body,
        limit: usize,
        connection: Option<&'a Connection>,
        began: Option<BodyBegan>,
    ) -> Self {
        let began = began.map_or_else(Instant::now, |began| began.0);
        Self {
            most: declared(&body).unwrap_or(limit).min(limit),
            chunks: body.into_data_stream(),
            held: connection.map(|connection| connection.bodies().hold()),
            connection,
            began,
            patience: began + SCARCE_BODY_TIMEOUT,
            bytes: Vec::new(),
            limit,
        }
    }

    pub(in crate::http) fn began(&self) -> BodyBegan {
        BodyBegan(self.began)
    }

    /// Bytes that are kept.
    pub(in crate::http) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// The first piece, if it comes within so long: as [`Self::next`], with one timer for all that is prompt.
    ///
    /// # Errors
    /// As [`Self::next`].
    pub(in crate::http) async fn first(
        &mut self,
        within: Duration,
    ) -> Option<Result<Option<Bytes>, Rejection>> {
        let first = timeout_at(self.began + within, self.chunks.next()).await;
        first.ok().map(piece)
    }

    /// The next piece, which nobody keeps yet; `None` at the end.
    ///
    /// # Errors
    /// 408 when the time is over, or when the connection breaks off; and why the rest is not waited for, if somebody has waited
    /// before. It may be dropped and called again.
    pub(in crate::http) async fn next(&mut self) -> Result<Option<Bytes>, Rejection> {
        loop {
            match timeout_at(self.patience, self.chunks.next()).await {
                Ok(next) => return piece(next),
                Err(_elapsed) => {
                    let now = Instant::now();
                    if now >= self.began + BODY_TIMEOUT || self.connection.is_some_and(Connection::is_pressed)
                    {
                        return Err(Rejection::BodyTimeout);
                    }
                    self.patience = (self.began + BODY_TIMEOUT).min(now + SCARCE_BODY_TIMEOUT);
                }
            }
        }
    }

    /// # Errors
    /// 413 beyond the limit, 503 without room.
    pub(in crate::http) fn keep(&mut self, chunk: &[u8]) -> Result<(), Rejection> {
        let needed = self.bytes.len() + chunk.len();
        if needed > self.limit {
            return Err(Rejection::BodyTooLarge { limit: self.limit });
        }
        if needed > self.bytes.capacity() {
            // Twice as much each time, so that no byte is copied often; what a caller has only announced takes no room.
            let capacity = needed.next_power_of_two().min(self.most).max(needed);
            let counted = capacity.saturating_sub(FREE_BODY_BYTES);
            if self.held.as_mut().is_some_and(|held| !held.grow_to(counted)) {
                return Err(Rejection::BodiesFull);
            }
            self.bytes.reserve_exact(capacity - self.bytes.len());
        }
        self.bytes.extend_from_slice(chunk);
        Ok(())
    }

    /// What is kept, which has its room as long as it is there, and the rest.
    pub(in crate::http) fn into_parts(self) -> (Bytes, BodyDataStream) {
        let bytes = match self.held {
            Some(held) if self.bytes.capacity() > FREE_BODY_BYTES => Bytes::from_owner(Counted {
                bytes: self.bytes,
                _held: held,
            }),
            _ => self.bytes.into(),
        };
        (bytes, self.chunks)
    }
}

/// A piece, the end, or why it ended early.
fn piece(next: Option<Result<Bytes, axum::Error>>) -> Result<Option<Bytes>, Rejection> {
    let broken = match next.transpose() {
        Ok(chunk) => return Ok(chunk),
        Err(broken) => broken,
    };
    Err(match broken.into_inner().downcast::<NotAwaited>() {
        Ok(not_awaited) => not_awaited.0,
        Err(_broken_off) => Invalid::new("the request body is incomplete").into(),
    })
}

struct Counted {
    bytes: Vec<u8>,
    _held: Held,
}

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

#[cfg(test)]
mod tests {
    use std::{convert::Infallible, net::Ipv4Addr};

    use futures_util::stream;

    use super::*;
    use crate::http::Limits;

    const LIMIT: usize = 64 * 1024;

    fn connection(bodies_bytes: usize) -> Connection {
        let limits = Limits {
            bodies_bytes,
            ..Limits::default()
        };
        Connection::from_peer(Ipv4Addr::LOCALHOST.into(), limits)
    }

    /// A body in pieces of one size.
    fn pieces(bytes: usize, size: usize) -> Body {
        let pieces = vec![Bytes::from(vec![b'x'; size]); bytes / size];
        Body::from_stream(stream::iter(pieces.into_iter().map(Ok::<_, Infallible>)))
    }

    /// A body that stops in its middle for ever.
    fn stuck(bytes: usize) -> Body {
        let piece = stream::iter([Ok::<_, Infallible>(Bytes::from(vec![b'x'; bytes]))]);
        Body::from_stream(piece.chain(stream::pending()))
    }

    #[tokio::test]
    async fn pieces_become_one_buffer_that_gives_its_room_back() {
        let connection = connection(LIMIT);
        for (bytes, size) in [(60_000, 1), (LIMIT, 1_024), (10, 10), (0, 1)] {
            let read = read(pieces(bytes, size), LIMIT, Some(&connection), None)
                .await
                .unwrap();
            assert_eq!((read.len(), read.iter().all(|byte| *byte == b'x')), (bytes, true));
            assert_eq!(connection.bodies().are_scarce(), bytes > LIMIT / 2, "{bytes}");
            drop(read);
            assert!(!connection.bodies().are_scarce(), "{bytes}");
        }
        let too_large = read(pieces(LIMIT + 1, 1), LIMIT, None, None).await.unwrap_err();
        assert!(matches!(too_large, Rejection::BodyTooLarge { limit: LIMIT }));
        let announced = read(Body::from(vec![0; LIMIT + 1]), LIMIT, None, None)
            .await
            .unwrap_err();
        assert!(matches!(announced, Rejection::BodyTooLarge { limit: LIMIT }));
    }

    #[tokio::test]
    async fn without_room_large_bodies_are_refused_and_small_ones_read() {
        let connection = connection(LIMIT);
        let held = read(pieces(LIMIT, 1_024), LIMIT, Some(&connection), None)
            .await
            .unwrap();
        let one_more = read(pieces(LIMIT, 1_024), LIMIT, Some(&connection), None)
            .await
            .unwrap_err();
        assert!(matches!(one_more, Rejection::BodiesFull));
        let small = read(pieces(FREE_BODY_BYTES, 1), LIMIT, Some(&connection), None).await;
        assert_eq!(small.unwrap().len(), FREE_BODY_BYTES);
        drop(held);
        assert!(
            read(pieces(LIMIT, 1_024), LIMIT, Some(&connection), None)
                .await
                .is_ok()
        );
    }

    /// How long a body was waited for.
    async fn waited(body: Body, connection: Connection) -> Duration {
        let began = Instant::now();
        let slow = read(body, LIMIT, Some(&connection), None).await.unwrap_err();
        assert!(matches!(slow, Rejection::BodyTimeout));
        began.elapsed()
    }

    #[tokio::test]
    async fn who_sends_slowly_has_less_time_when_room_is_scarce() {
        let (ample, scarce) = (connection(LIMIT), connection(LIMIT));
        let _held = read(pieces(LIMIT, 1_024), LIMIT, Some(&scarce), None)
            .await
            .unwrap();
        let (patient, hurried, alone) = tokio::join!(
            waited(stuck(1), ample),
            waited(stuck(1), scarce.clone()),
            waited(stuck(LIMIT), connection(LIMIT)),
        );
        assert!(patient >= BODY_TIMEOUT, "{patient:?}");
        for short in [hurried, alone] {
            assert!(short >= SCARCE_BODY_TIMEOUT && short < BODY_TIMEOUT, "{short:?}");
        }
    }
}

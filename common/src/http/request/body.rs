//! The bytes of a body: not too many, not too slowly.

use std::time::Duration;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use tokio::time::timeout;

use super::Invalid;
use crate::http::Rejection;

/// Of a request that records one event, or changes one thing: nobody's documented limits are a reason to lose a sale. What is kept
/// of it has limits of its own, field by field.
pub const MAX_BODY_BYTES: usize = 256 * 1024;
/// From the end of the headers to the end of the body.
pub const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// Reads the whole body of at most `limit` bytes.
///
/// # Errors
/// 413, 408, or 400 when the connection breaks off.
pub(super) async fn read(body: Body, limit: usize) -> Result<Bytes, Rejection> {
    timeout(BODY_TIMEOUT, read_limited(body, limit))
        .await
        .map_err(|_elapsed| Rejection::BodyTimeout)?
}

async fn read_limited(body: Body, limit: usize) -> Result<Bytes, Rejection> {
    let mut chunks = body.into_data_stream();
    let mut all = BytesMut::new();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|_broken| Invalid::new("the request body is incomplete"))?;
        if all.len() + chunk.len() > limit {
            return Err(Rejection::BodyTooLarge { limit });
        }
        all.extend_from_slice(&chunk);
    }
    Ok(all.freeze())
}

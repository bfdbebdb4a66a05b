//! The client of an OpenTelemetry collector: plain HTTP/1.1, by the hyper that serves.
//!
//! Own code, though opentelemetry has clients: one brings HTTP/2, the others a second TLS stack, and its batches are exported on
//! a thread of their own, outside the runtime that hyper needs.

use std::{future::poll_fn, pin::pin, time::Duration};

use async_trait::async_trait;
use axum::body::{Body, to_bytes};
use bytes::Bytes;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use opentelemetry_http::{HttpClient, HttpError, Request, Response};
use tokio::{runtime::Handle, time::timeout};

/// A collector that takes longer has not got it.
const DEADLINE: Duration = Duration::from_secs(10);
/// Bytes of an answer, at most; it says little more than yes.
const MAX_ANSWER_BYTES: usize = 64 * 1024;

#[derive(Debug)]
pub(super) struct Collector {
    client: Client<HttpConnector, Body>,
    runtime: Handle,
}

impl Collector {
    pub(super) fn new(runtime: &Handle) -> Self {
        Self {
            client: Client::builder(TokioExecutor::new()).build_http(),
            runtime: runtime.clone(),
        }
    }

    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let response = self.client.request(request.map(Body::from)).await?;
        let (head, body) = response.into_parts();
        let body = to_bytes(Body::new(body), MAX_ANSWER_BYTES).await?;
        Ok(Response::from_parts(head, body))
    }
}

#[async_trait]
impl HttpClient for Collector {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let sending = async { timeout(DEADLINE, self.send(request)).await? };
        let mut sending = pin!(sending);
        // Whoever polls this, sockets and timers are the runtime's.
        poll_fn(|context| {
            let _in_runtime = self.runtime.enter();
            sending.as_mut().poll(context)
        })
        .await
    }
}

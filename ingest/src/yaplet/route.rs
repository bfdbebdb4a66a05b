//! `POST /api/affiliates/track/{affiliate_code}`.

use axum::{
    Router,
    extract::{Path, Request, State, rejection::PathRejection},
    response::Response,
    routing::post,
};
use common::domain::{Body, Dialect};

use super::{ERRORS, answer, request};
use crate::Ingest;
use common::http::{
    Rejection, YAPLET_KEYS,
    request::{Invalid, Received, path_text},
};

pub fn routes() -> Router<Ingest> {
    Router::new().route("/api/affiliates/track/{code}", post(track))
}

async fn track(
    State(ingest): State<Ingest>,
    code: Result<Path<String>, PathRejection>,
    request: Request,
) -> Response {
    answer(&ingest, code, request)
        .await
        .unwrap_or_else(|rejection| ERRORS.print(&rejection))
}

async fn answer(
    ingest: &Ingest,
    code: Result<Path<String>, PathRejection>,
    request: Request,
) -> Result<Response, Rejection> {
    let principal = ingest.authenticate(request.headers(), YAPLET_KEYS).await?;
    principal.may_ingest(&principal.take())?;
    let Path(code) = code.map_err(|_not_utf8| Invalid::new("affiliate_code is not UTF-8"))?;
    let code = path_text("affiliate_code", &code)?;
    let received = Received::read(request).await?;
    let create = request::parse(&code, &received.body_fields()?, ingest.clock().now())?;
    let body = Body::CreateConversion(Box::new(create));
    let event = ingest.event(&principal, Dialect::Yaplet, &received, body);
    let id = event.id;
    Ok(answer::print(
        id,
        &code,
        ingest.submit(event, received.wait).await,
    ))
}

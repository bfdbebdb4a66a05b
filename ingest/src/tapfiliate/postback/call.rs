//! What the postbacks have in common: query and body count alike, whatever the method.

use std::convert::Infallible;

use axum::{
    extract::Request,
    http::header::ALLOW,
    response::{IntoResponse, Response},
    routing::{MethodFilter, MethodRouter},
};
use chrono::{DateTime, Utc};
use common::db::keys::Timezone;
use common::domain::{Body, Dialect};

use super::effect::effect;
use crate::{
    Ingest,
    tapfiliate::{answer::ERRORS, call::Wire},
};
use common::http::{
    Rejection,
    request::{Fields, Invalid, Received},
};

const WIRE: Wire = Wire {
    dialect: Dialect::Postback,
    effect,
};

pub(super) async fn call(
    ingest: &Ingest,
    request: Request,
    parse: fn(&Fields) -> Result<Body, Invalid>,
) -> Response {
    WIRE.call(ingest, request, |received| Ok(parse(&received.all_fields()?)?))
        .await
}

/// As [`call`], of what may tell a time: one without an offset is in UTC, as in `/v1/events`.
pub(super) async fn call_at(
    ingest: &Ingest,
    request: Request,
    parse: fn(&Fields, DateTime<Utc>, Timezone) -> Result<Body, Invalid>,
) -> Response {
    let now = ingest.clock().now();
    let parse = |received: &Received| Ok(parse(&received.all_fields()?, now, Timezone::default())?);
    WIRE.call(ingest, request, parse).await
}

/// Else axum would take a HEAD for a GET: who looks must not sell. The fallback, because axum would allow it there.
pub(super) fn get_and_post(methods: MethodRouter<Ingest>) -> MethodRouter<Ingest, Infallible> {
    methods
        .on(MethodFilter::HEAD, no_other_method)
        .fallback(no_other_method)
}

async fn no_other_method() -> impl IntoResponse {
    ([(ALLOW, "GET,POST")], ERRORS.print(&Rejection::MethodNotAllowed))
}

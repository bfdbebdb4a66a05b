//! What the calls of REST 1.6 have in common: query and body count alike.

use axum::{extract::Request, response::Response};
use common::domain::{Body, Dialect};

use super::effect::effect;
use crate::{Ingest, tapfiliate::call::Wire};
use common::http::{
    Rejection,
    request::{Fields, Invalid, Received},
};

const WIRE: Wire = Wire {
    dialect: Dialect::Rest,
    effect,
};

/// Records what `parse` makes of the fields.
pub(super) async fn call(
    ingest: &Ingest,
    request: Request,
    parse: fn(&Fields) -> Result<Body, Invalid>,
) -> Response {
    call_with(ingest, request, |received| Ok(parse(&received.all_fields()?)?)).await
}

/// Records what `parse` makes of the request.
pub(super) async fn call_with(
    ingest: &Ingest,
    request: Request,
    parse: impl FnOnce(&Received) -> Result<Body, Rejection>,
) -> Response {
    WIRE.call(ingest, request, parse).await
}

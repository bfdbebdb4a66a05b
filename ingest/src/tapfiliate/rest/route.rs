//! `POST /1.6/…`. The api serves `GET` on the same paths.

use axum::{
    Router,
    extract::{Path, Request, State, rejection::PathRejection},
    response::Response,
    routing::{MethodRouter, post},
};
use common::domain::{Body, Dialect};

use super::{click, commissions, conversion, customer, effect::effect};
use crate::{Ingest, tapfiliate::call::Wire};
use common::http::request::{Fields, Invalid};

const WIRE: Wire = Wire {
    dialect: Dialect::Rest,
    effect,
};

/// Reads what a call asks for.
type Parse = fn(&Fields) -> Result<Body, Invalid>;

pub fn routes() -> Router<Ingest> {
    Router::new()
        .route("/1.6/conversions", call(conversion::create))
        .route("/1.6/customers", call(customer::create))
        .route("/1.6/clicks", call(click::create))
        .route("/1.6/conversions/{id}/commissions", post(add_commissions))
}

fn call(parse: Parse) -> MethodRouter<Ingest> {
    post(async move |State(ingest): State<Ingest>, request: Request| {
        WIRE.call(&ingest, request, |received| Ok(parse(&received.all_fields()?)?))
            .await
    })
}

async fn add_commissions(
    State(ingest): State<Ingest>,
    id: Result<Path<String>, PathRejection>,
    request: Request,
) -> Response {
    // What is no text names no conversion either.
    let id = id.map_or_else(|_no_text| String::new(), |Path(id)| id);
    WIRE.call(&ingest, request, |received| commissions::add(&id, received))
        .await
}

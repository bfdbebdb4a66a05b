//! `GET|POST /1.7/pb/{con,cus}/{c,u}`.

use axum::{
    Router,
    extract::{Request, State},
    http::header::ALLOW,
    response::IntoResponse,
    routing::{MethodFilter, MethodRouter, on},
};
use common::domain::{Body, Dialect};

use super::{effect::effect, request};
use crate::{
    Ingest,
    tapfiliate::{ERRORS, call::Wire},
};
use common::http::{
    Rejection,
    request::{Fields, Invalid},
};

const WIRE: Wire = Wire {
    dialect: Dialect::Postback,
    effect,
};

/// Reads what a call asks for.
type Parse = fn(&Fields) -> Result<Body, Invalid>;

pub fn routes() -> Router<Ingest> {
    Router::new()
        .route("/1.7/pb/con/c", call(request::create_conversion))
        .route("/1.7/pb/con/u", call(request::update_conversion))
        .route("/1.7/pb/cus/c", call(request::create_customer))
        .route("/1.7/pb/cus/u", call(request::update_customer))
}

fn call(parse: Parse) -> MethodRouter<Ingest> {
    let handler = async move |State(ingest): State<Ingest>, request: Request| {
        WIRE.call(&ingest, request, |received| Ok(parse(&received.all_fields()?)?))
            .await
    };
    // Else axum would take a HEAD for a GET: who looks must not sell. The fallback, because axum would allow it there.
    on(MethodFilter::GET.or(MethodFilter::POST), handler)
        .on(MethodFilter::HEAD, no_other_method)
        .fallback(no_other_method)
}

async fn no_other_method() -> impl IntoResponse {
    ([(ALLOW, "GET,POST")], ERRORS.print(&Rejection::MethodNotAllowed))
}

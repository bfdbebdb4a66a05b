//! `GET|POST /1.7/pb/con/{c,u}`, with a last slash or without: a redirect would lose a POST's body.

use axum::{
    Router,
    extract::{Request, State},
    http::header::ALLOW,
    response::{IntoResponse, Response},
    routing::{MethodFilter, MethodRouter, on},
};
use common::domain::{Body, Dialect};

use super::{answer, request};
use crate::{
    Ingest,
    auth::{Principal, Rate, TAPFILIATE_KEYS},
    rejection::Rejection,
    request::{Fields, Invalid, Received},
    tapfiliate::ERRORS,
};

/// Reads what a call asks for.
type Parse = fn(&Fields) -> Result<Body, Invalid>;

pub fn routes() -> Router<Ingest> {
    Router::new()
        .route("/1.7/pb/con/c", call(request::create))
        .route("/1.7/pb/con/c/", call(request::create))
        .route("/1.7/pb/con/u", call(request::update))
        .route("/1.7/pb/con/u/", call(request::update))
}

fn call(parse: Parse) -> MethodRouter<Ingest> {
    let handler =
        async move |State(ingest): State<Ingest>, request: Request| postback(&ingest, request, parse).await;
    // Else axum would take a HEAD for a GET: who looks must not sell.
    on(MethodFilter::GET.or(MethodFilter::POST), handler).on(MethodFilter::HEAD, no_head)
}

async fn no_head() -> impl IntoResponse {
    ([(ALLOW, "GET,POST")], ERRORS.print(&Rejection::MethodNotAllowed))
}

async fn postback(ingest: &Ingest, request: Request, parse: Parse) -> Response {
    let principal = match ingest.authenticate(request.headers(), TAPFILIATE_KEYS).await {
        Ok(principal) => principal,
        Err(rejection) => return ERRORS.print(&rejection),
    };
    let rate = principal.take();
    let response = answer(ingest, &principal, &rate, request, parse)
        .await
        .unwrap_or_else(|rejection| ERRORS.print(&rejection));
    rate.print(response, ingest.clock().now())
}

async fn answer(
    ingest: &Ingest,
    principal: &Principal,
    rate: &Rate,
    request: Request,
    parse: Parse,
) -> Result<Response, Rejection> {
    principal.may_ingest(rate)?;
    let received = Received::read(request).await?;
    let body = parse(&received.all_fields()?)?;
    let event = ingest.event(principal, Dialect::Postback, &received, body);
    let id = event.id;
    Ok(answer::print(id, ingest.submit(event, received.wait).await))
}

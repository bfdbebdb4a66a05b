//! `POST /api/v1/tracking/{click,registration,lead,lead/registration,lead/payment}`.

use axum::{
    Router,
    extract::{Request, State},
    response::Response,
    routing::{MethodRouter, post},
};

use super::{
    ERRORS, answer, caller,
    request::{self, Asked, Said},
};
use crate::Ingest;
use common::http::{
    Rejection, peer,
    request::{Fields, Invalid, Received},
};

/// Reads what a call asks for.
type Parse = fn(&Fields) -> Result<Asked, Invalid>;

pub fn routes() -> Router<Ingest> {
    Router::new()
        .route("/api/v1/tracking/click", call(request::click))
        .route("/api/v1/tracking/registration", call(request::registration))
        .route("/api/v1/tracking/lead", call(request::lead))
        .route(
            "/api/v1/tracking/lead/registration",
            call(request::lead_registration),
        )
        .route("/api/v1/tracking/lead/payment", call(request::lead_payment))
}

fn call(parse: Parse) -> MethodRouter<Ingest> {
    post(async move |State(ingest): State<Ingest>, request: Request| {
        answer(&ingest, request, parse)
            .await
            .unwrap_or_else(|rejection| ERRORS.print(&rejection))
    })
}

async fn answer(ingest: &Ingest, request: Request, parse: Parse) -> Result<Response, Rejection> {
    let keyed = caller::keyed(ingest, request.headers()).await?;
    if keyed.is_none() {
        ingest.keyless_call(peer(&request))?;
    }
    let received = Received::read(request).await?;
    let fields = received.body_fields()?;
    let Asked { body, said } = parse(&fields)?;
    let caller = caller::identify(ingest, keyed, &fields, said.needs_client()).await?;
    let mut event = caller.event(ingest, &received, body);
    if let Said::Payment {
        transaction: Some(transaction),
        ..
    } = &said
    {
        transaction.bind(&mut event);
    }
    let id = event.id;
    Ok(answer::print(
        id,
        &said,
        caller.submit(ingest, event, received.wait).await,
    ))
}

//! `GET /p/{pixel_key}.gif` with the parameters of a postback.

use axum::{
    Router,
    extract::{Path, Request, State, rejection::PathRejection},
    http::{HeaderMap, StatusCode},
    response::Response,
    routing::{MethodFilter, on},
};
use common::domain::Dialect;

use super::{picture::recorded, signature};
use crate::{Ingest, auth::AuthError, pipeline::Answer, tapfiliate::postback};
use common::http::{
    DialectErrors, Rejection, peer, picture,
    request::{Wait, query_fields},
};
use secrecy::ExposeSecret;

const ERRORS: DialectErrors = DialectErrors::Pixel;

/// Where browsers say that nobody looks at the page yet.
const PREFETCH_HEADERS: [&str; 4] = ["sec-purpose", "purpose", "x-purpose", "x-moz"];
const PREFETCHES: [&str; 3] = ["prefetch", "prerender", "preview"];

pub fn routes() -> Router<Ingest> {
    // Else axum would take a HEAD for a GET: who looks must not sell.
    let look = async || picture(StatusCode::OK);
    Router::new().route(
        "/p/{file}",
        on(MethodFilter::GET, pixel).on(MethodFilter::HEAD, look),
    )
}

async fn pixel(
    State(ingest): State<Ingest>,
    file: Result<Path<String>, PathRejection>,
    request: Request,
) -> Response {
    if is_prefetch(request.headers()) {
        return picture(StatusCode::OK);
    }
    record(&ingest, file, request)
        .await
        .unwrap_or_else(|rejection| ERRORS.print(&rejection))
}

fn is_prefetch(headers: &HeaderMap) -> bool {
    let values = PREFETCH_HEADERS.iter().flat_map(|name| headers.get_all(*name));
    let mut values = values.filter_map(|value| value.to_str().ok());
    values.any(|value| {
        let value = value.to_ascii_lowercase();
        PREFETCHES.iter().any(|word| value.contains(word))
    })
}

async fn record(
    ingest: &Ingest,
    file: Result<Path<String>, PathRejection>,
    request: Request,
) -> Result<Response, Rejection> {
    let Path(file) = file.map_err(|_not_utf8| Rejection::NotFound)?;
    let key = file.strip_suffix(".gif").ok_or(Rejection::NotFound)?;
    let pixel = ingest.keys().pixel(key).await.map_err(|error| match error {
        AuthError::UnknownKey => Rejection::NotFound,
        AuthError::Unverifiable(_) => Rejection::Unverifiable,
    })?;
    if !pixel.affiliates_feature {
        return Err(Rejection::Forbidden(
            "the organization does not have access to the affiliates feature",
        ));
    }
    let query = request.uri().query().unwrap_or_default().to_owned();
    let authenticated = signature::is_signed(pixel.secret.expose_secret(), &query)
        || peer(&request).is_some_and(|address| pixel.trusts(address));
    if !authenticated {
        ingest.keyless_call(peer(&request))?;
    }
    // The query alone: a signature says nothing of a body.
    let body = postback::request::create_conversion(&query_fields(&query)?)?;
    let mut event = ingest.keyless_event(Dialect::Pixel, pixel.org, request.extensions().get(), body);
    event.authenticated = authenticated;
    let id = event.id;
    // Strangers must not take the places of those who are vouched for.
    let answer = if authenticated {
        ingest.submit(event, Wait::Receipt).await
    } else {
        ingest
            .submit_keyless(ingest.keyless_permit()?, event, Wait::Receipt)
            .await
    };
    match answer {
        Answer::Accepted | Answer::Outcome(_) => Ok(recorded(id)),
        Answer::Unavailable { retry_after } => Err(Rejection::Unavailable { retry_after }),
    }
}

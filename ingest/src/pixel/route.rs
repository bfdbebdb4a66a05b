//! `GET /p/{pixel_key}.gif` with the parameters of a postback.

use axum::{
    extract::{Path, Request, State, rejection::PathRejection},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode},
    response::Response,
    routing::MethodFilter,
};
use common::{domain::Dialect, keyring::AuthError, telemetry::metrics};

use super::signature::{self, Sent};
use crate::{
    Ingest,
    pipeline::Answer,
    tapfiliate::{
        params::{Attribution, Details},
        postback::create_conversion::{self, NewConversion},
    },
};
use common::http::{
    DialectErrors, Origin, Rejection, client, note_org, picture,
    request::{Wait, query_fields},
    stranger,
};
use secrecy::ExposeSecret;

use utoipa_axum::{
    router::{OpenApiRouter, UtoipaMethodRouterExt},
    routes,
};

const ERRORS: DialectErrors = DialectErrors::Pixel;
/// Whether the signature that was sent is right; not there, where none was sent.
const PIXEL_SIGNATURE: HeaderName = HeaderName::from_static("x-pixel-signature");
const WRONG_SIGNATURE: &str = "sig is not the signature of this query and counts as not sent";

/// Where browsers say that nobody looks at the page yet.
const PREFETCH_HEADERS: [&str; 4] = ["sec-purpose", "purpose", "x-purpose", "x-moz"];
const PREFETCHES: [&str; 3] = ["prefetch", "prerender", "preview"];

pub fn routes() -> OpenApiRouter<Ingest> {
    // Else axum would take a HEAD for a GET: who looks must not sell.
    let look = async || picture(StatusCode::OK);
    OpenApiRouter::default().routes(routes!(pixel).map(|methods| methods.on(MethodFilter::HEAD, look)))
}

/// Record a conversion; always answered with a picture
#[utoipa::path(
    get,
    path = "/p/{pixel_key}",
    tag = "pixel",
    security(()),
    params(
        ("pixel_key" = String, Path, description = "The pixel's key and `.gif`.", example = "demo-pixel.gif"),
        NewConversion,
        Attribution,
        Details,
        Proof,
    ),
    responses((
        status = 200,
        content_type = "image/gif",
        headers(
            ("X-Event-Id" = String, description = "The event, when the conversion is durable."),
            ("X-Pixel-Signature" = String, description = "Where a signature was sent: `right` or `wrong`.")
        )
    ))
)]
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

#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes what `signature` reads")]
struct Proof {
    /// The hex HMAC-SHA256 of the percent-encoded query sorted by name.
    sig: Option<String>,
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
    let pixel = ingest
        .keys()
        .pixel(key, stranger(&request))
        .await
        .map_err(|error| match error {
            AuthError::UnknownKey => Rejection::NotFound,
            error => error.into(),
        })?;
    note_org(pixel.org);
    if !pixel.affiliates_feature {
        return Err(Rejection::Forbidden(
            "the organization does not have access to the affiliates feature",
        ));
    }
    let query = request.uri().query().unwrap_or_default().to_owned();
    let signature = signature::sent(pixel.secret.expose_secret(), &query);
    let authenticated =
        signature == Sent::Right || client(&request).is_some_and(|address| pixel.trusts(address));
    if !authenticated {
        ingest.keyless_call(client(&request))?;
    }
    // The query alone: a signature says nothing of a body.
    let warnings = request
        .extensions()
        .get()
        .map(|origin: &Origin| origin.warnings.clone());
    let warnings = warnings.unwrap_or_default();
    if signature == Sent::Wrong {
        metrics::wrong_pixel_signature();
        warnings.add(WRONG_SIGNATURE.to_owned());
    }
    let body = create_conversion::parse_alone(&query_fields(&query, &warnings)?)?;
    let mut event = ingest.keyless_event(Dialect::Pixel, Some(pixel.org), request.extensions().get(), body);
    event.authenticated = authenticated;
    let admission = ingest.admit(&event, 1)?;
    // Only those who are authenticated need no place among the calls without a key.
    let answer = if authenticated {
        ingest.submit(admission, event, Wait::Receipt).await
    } else {
        ingest
            .submit_keyless(ingest.keyless_permit()?, admission, event, Wait::Receipt)
            .await
    };
    let mut response = match answer {
        Answer::Accepted | Answer::Outcome(_) => picture(StatusCode::OK),
        Answer::Unavailable { retry_after } => return Err(Rejection::Unavailable { retry_after }),
    };
    let told = match signature {
        Sent::Nothing => None,
        Sent::Right => Some("right"),
        Sent::Wrong => Some("wrong"),
    };
    let told = told.map(|told| (PIXEL_SIGNATURE, HeaderValue::from_static(told)));
    response.headers_mut().extend(told);
    Ok(response)
}

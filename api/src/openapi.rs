//! What the service offers, as OpenAPI 3.1 at `/openapi.json` and for people at `/docs`. Nobody needs a key to read it.
//!
//! Each call is described beside its handler, in both planes. Here is what is the same for many: the dialects, the keys, the
//! failures that layers and the reading of requests have in common, and how operations are named.

use std::collections::btree_map::Entry;

use axum::{Router, extract::State, http::header::CONTENT_TYPE, response::IntoResponse};
use bytes::Bytes;
use common::http::DialectErrors;
use utoipa::{
    OpenApi as _, PartialSchema,
    openapi::{
        Components, Content, HeaderBuilder, OpenApi, Ref, RefOr, Response, ResponseBuilder, Schema,
        path::{Operation, PathItem},
        schema::AnyOfBuilder,
        security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityRequirement, SecurityScheme},
    },
};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{docs, openapi_links};

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Commissary",
        description = "Affiliate conversions, each recorded exactly once. Paths are served with their last slash and without. Every call takes an X-Request-Id and answers with it.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    servers((url = "/")),
    tags(
        (name = "yaplet", description = "Orders by coupon code, in Yaplet's shapes. An unknown or unapproved code is answered 200 with success false."),
        (name = "postback", description = "Tapfiliate's Postback 1.7: conversions and customers, by query or by body."),
        (name = "rest", description = "Tapfiliate's REST API 1.6. Lists come in pages of 25, with a Link header."),
        (name = "affitor", description = "Affitor's tracking calls. Clicks and a browser's leads need no key; sales, refunds and test chains do. /api/tracking/… are the same calls. With {\"test_mode\": true, \"program_id\": …} as additional_data a call is only tried out. Parameters of a link that begin with tm_ become the meta_data of its click."),
        (name = "affy", description = "AFFY's tracking calls, by clientId. A transactionId makes a payment safe to repeat; payments without one are distinct."),
        (name = "pixel", description = "A picture that records a conversion. It stays pending unless `sig`, the hex HMAC-SHA256 of the percent-encoded query sorted by name, proves the merchant's hand."),
        (name = "native", description = "Commissary's own calls: many events in one request, what became of an event, and why an order paid or did not."),
        (name = "operations", description = "Health, metrics and this description."),
    )
)]
struct Described;

/// For those who run the service: nothing but a URL that is too long fails there.
const OPERATIONS: &str = "operations";
/// Failures of every call.
const FAILURES: [u16; 6] = [400, 404, 408, 414, 429, 503];
/// Those of calls that look at a key.
const KEY_FAILURES: [u16; 2] = [401, 403];
const BODY_TOO_LARGE: u16 = 413;
const URL_TOO_LONG: u16 = 414;
const OTHER_REQUEST: u16 = 422;
const REQUEST_ID: &str = "X-Request-Id";
const RETRY_AFTER: &str = "Retry-After";
/// What is left of a key's allowance.
const RATE: [&str; 3] = ["X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"];

/// Both forms of the description.
#[derive(Clone)]
struct Forms {
    json: Bytes,
    page: Bytes,
}

/// `routes`, and the description of their calls and of those of `others`.
pub(crate) fn describe(routes: OpenApiRouter, others: OpenApi) -> Router {
    let own = OpenApiRouter::default()
        .routes(routes!(openapi))
        .routes(routes!(docs));
    let (own, calls) = own.split_for_parts();
    let (routes, more_calls) = routes.split_for_parts();
    let document = document(calls.merge_from(more_calls).merge_from(others));
    let json = serde_json::to_value(document).unwrap_or_default();
    let forms = Forms {
        json: json.to_string().into(),
        page: docs::page(&json).into(),
    };
    routes.merge(own.with_state(forms))
}

/// This description for programs
#[utoipa::path(
    get,
    path = "/openapi.json",
    tag = OPERATIONS,
    security(()),
    responses((status = 200, body = Object, example = json!({"openapi": "3.1.0"})))
)]
async fn openapi(State(forms): State<Forms>) -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json")], forms.json)
}

/// This description for people
#[utoipa::path(
    get,
    path = "/docs",
    tag = OPERATIONS,
    security(()),
    responses((status = 200, content_type = "text/html"))
)]
async fn docs(State(forms): State<Forms>) -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/html; charset=utf-8")], forms.page)
}

/// The whole document.
fn document(calls: OpenApi) -> OpenApi {
    let mut document = Described::openapi();
    let mut components = calls.components.unwrap_or_default();
    add_keys(&mut components);
    add_headers(&mut components);
    for (path, mut item) in calls.paths.paths {
        let errors = DialectErrors::of_path(&path);
        let path = documented(path, errors);
        for (method, operation) in operations(&mut item) {
            operation.operation_id = Some(operation_id(method, &path));
            for status in failures(operation) {
                let responses = &mut operation.responses.responses;
                if let Entry::Vacant(place) = responses.entry(status.to_string()) {
                    let name = format!("{errors:?}.{status}");
                    place.insert(Ref::from_response_name(&name).into());
                    components.responses.insert(name, failure(status, errors).into());
                }
            }
            for (status, response) in &mut operation.responses.responses {
                if let RefOr::T(response) = response {
                    complete(response, status, errors);
                }
            }
        }
        components.schemas.extend(errors.schemas());
        document.paths.paths.insert(path, item);
    }
    openapi_links::add(&mut document.paths);
    components.schemas.values_mut().for_each(let_alternatives_overlap);
    document.components = Some(components);
    document
}

fn add_keys(components: &mut Components) {
    for (name, header) in [("YApiKey", "Y-API-Key"), ("XApiKey", "X-Api-Key")] {
        let key = SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::new(header)));
        components.security_schemes.insert(name.to_owned(), key.into());
    }
    let bearer = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
    components
        .security_schemes
        .insert("Bearer".to_owned(), bearer.into());
}

/// Headers that many responses have.
fn add_headers(components: &mut Components) {
    for (name, schema, about) in [
        (
            REQUEST_ID,
            String::schema(),
            "The id of the request in the logs: the caller's, or a new one.",
        ),
        (RETRY_AFTER, u64::schema(), "Seconds."),
        (RATE[0], u64::schema(), "Requests a minute."),
        (RATE[1], u64::schema(), "Requests that may follow at once."),
        (
            RATE[2],
            u64::schema(),
            "When the whole allowance is there again, in Unix seconds.",
        ),
    ] {
        let header = HeaderBuilder::new().schema(Some(schema));
        let header = header.description(Some(about)).build();
        components.headers.insert(name.to_owned(), header.into());
    }
}

/// What fits one of an enum's untagged variants may fit another one, too.
fn let_alternatives_overlap(schema: &mut RefOr<Schema>) {
    if let RefOr::T(Schema::OneOf(one_of)) = schema {
        let mut any_of = AnyOfBuilder::new().description(one_of.description.take());
        for item in std::mem::take(&mut one_of.items) {
            any_of = any_of.item(item);
        }
        *schema = any_of.into();
    }
}

/// Tapfiliate documents its paths with a last slash.
fn documented(path: String, errors: DialectErrors) -> String {
    match errors {
        DialectErrors::Tapfiliate => path + "/",
        _ => path,
    }
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = (&'static str, &mut Operation)> {
    let operations = [
        ("get", &mut item.get),
        ("post", &mut item.post),
        ("put", &mut item.put),
        ("patch", &mut item.patch),
        ("delete", &mut item.delete),
    ];
    let described = operations.into_iter();
    described.filter_map(|(method, operation)| Some((method, operation.as_mut()?)))
}

/// Adds what the handler's own description of a response leaves out.
fn complete(response: &mut Response, status: &str, errors: DialectErrors) {
    if response.description.is_empty() {
        meaning(status).clone_into(&mut response.description);
    }
    let is_limited = errors == DialectErrors::Tapfiliate && status != "401";
    let rate = RATE.iter().filter(|_| is_limited);
    rate.chain([&REQUEST_ID])
        .for_each(|name| add_header(response, name));
}

fn add_header(response: &mut Response, name: &str) {
    let header = Ref::new(format!("#/components/headers/{name}"));
    response.headers.insert(name.to_owned(), RefOr::Ref(header));
}

fn operation_id(method: &str, path: &str) -> String {
    let words = path.split(|character: char| !character.is_ascii_alphanumeric());
    let words = words.filter(|word| !word.is_empty());
    words.fold(method.to_owned(), |id, word| id + "_" + word)
}

fn failures(operation: &Operation) -> Vec<u16> {
    let is_tagged = |tag: &str| operation.tags.iter().flatten().any(|own| own == tag);
    if is_tagged(OPERATIONS) {
        return vec![URL_TOO_LONG];
    }
    let mut failures = FAILURES.to_vec();
    let keys = operation.security.iter().flatten();
    if keys.into_iter().any(|key| *key != SecurityRequirement::default()) {
        failures.extend(KEY_FAILURES);
    }
    if operation.request_body.is_some() {
        failures.push(BODY_TOO_LARGE);
    }
    let mut parameters = operation.parameters.iter().flatten();
    if parameters.any(|parameter| matches!(parameter, RefOr::T(named) if named.name == "Idempotency-Key")) {
        failures.push(OTHER_REQUEST);
    }
    failures
}

/// In the dialect's shape. A page that shows the pixel must not show a broken picture.
fn failure(status: u16, errors: DialectErrors) -> Response {
    let schemas = errors.schemas();
    let (media, content) = match schemas.first() {
        Some((name, _)) => (
            "application/json",
            Content::new(Some(Ref::from_schema_name(name))),
        ),
        None => ("image/gif", Content::default()),
    };
    let mut response = ResponseBuilder::new().content(media, content).build();
    complete(&mut response, &status.to_string(), errors);
    if matches!(status, 429 | 503) {
        add_header(&mut response, RETRY_AFTER);
    }
    response
}

fn meaning(status: &str) -> &'static str {
    match status {
        "200" => "Done.",
        "400" => "A field is missing or wrong, or the event was refused; the message says which and why.",
        "401" => "The key is missing or invalid.",
        "403" => "The organisation lacks the feature or the key the scope.",
        "404" => "There is nothing under this name.",
        "408" => "The body did not arrive in time.",
        "409" => "It has been recorded before; the answer holds the first event's ids.",
        "413" => "The body is too large.",
        "414" => "The URL is too long.",
        "422" => "The Idempotency-Key was used for another request.",
        "429" => "Too many requests: come back after `Retry-After` seconds.",
        "503" => "Events cannot be accepted at the moment: come back after `Retry-After` seconds.",
        _ => "It failed.",
    }
}

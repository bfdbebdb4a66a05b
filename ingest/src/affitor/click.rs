//! A visitor came by an affiliate's link.

use axum::{
    extract::{Request, State},
    response::Response,
};
use common::domain::{Body, MetaData, RecordClick};
use serde_json::Value;
use url::{Url, form_urlencoded};
use utoipa::ToSchema;

use super::{
    call::{SentCall, track},
    details::{AdditionalData, MAX_PAGE_URL, details},
    errors::{AFFILIATE_URL_INVALID, AFFILIATE_URL_REQUIRED, NO_AFF},
    kind::{Call, Names},
    success::{ClickTracked, Message, TestTracked},
};
use crate::{Ingest, receipt::Pending};
use common::http::{
    openapi::example,
    request::{Fields, Invalid, MAX_ID, MAX_NOTES, MAX_USER_AGENT, Preferences, cut_to},
};

/// Record a click on an affiliate's link
#[utoipa::path(
    post,
    path = "/api/v1/track/click",
    tag = "affitor",
    security(()),
    params(Preferences),
    request_body(content = ClickBody, example = json!(example(include_str!("examples/click.json")))),
    responses(
        (status = 200, body = ClickAnswer, example = json!(example(include_str!("examples/click_tracked.json")))),
        Pending,
    )
)]
pub(super) async fn click(State(ingest): State<Ingest>, request: Request) -> Response {
    track(&ingest, Call::Click, Names::Current, request, parse).await
}

/// The older path of a click
#[utoipa::path(
    post,
    path = "/api/tracking/click",
    tag = "affitor",
    security(()),
    params(Preferences),
    request_body(content = ClickBody, example = json!(example(include_str!("examples/click.json")))),
    responses(
        (status = 200, body = ClickAnswer, example = json!(example(include_str!("examples/click_tracked.json")))),
        Pending,
    )
)]
pub(super) async fn older_click(State(ingest): State<Ingest>, request: Request) -> Response {
    track(&ingest, Call::Click, Names::Legacy, request, parse).await
}

#[derive(ToSchema)]
#[schema(as = affitor::Click)]
#[expect(dead_code, reason = "describes what `parse` reads")]
struct ClickBody {
    /// The page with the affiliate's code, as `aff`. Its parameters that begin with `tm_` become the click's meta data.
    #[schema(format = "uri", example = "https://tapper.inc/pricing?aff=abc123")]
    affiliate_url: String,
    page_url: Option<String>,
    referrer_url: Option<String>,
    /// The click of an earlier visit, which this one is to renew.
    existing_click_id: Option<String>,
    page_title: Option<String>,
    session_id: Option<String>,
    /// By default that of the request.
    user_agent: Option<String>,
    screen_resolution: Option<String>,
    viewport_size: Option<String>,
    language: Option<String>,
    timezone: Option<String>,
    additional_data: Option<AdditionalData>,
}

#[derive(ToSchema)]
#[serde(untagged)]
#[schema(as = affitor::ClickAnswer)]
#[expect(dead_code, reason = "describes the answers of one call")]
enum ClickAnswer {
    Tracked(ClickTracked),
    Inactive(Message),
    Test(TestTracked),
}

/// Affiliates attach their own data to links with parameters of this prefix (seed: Postback 1.7, meta data).
const META_PREFIX: &str = "tm_";
const DETAILS: [(&str, usize); 7] = [
    ("page_title", MAX_NOTES),
    ("session_id", MAX_ID),
    ("user_agent", MAX_USER_AGENT),
    ("screen_resolution", MAX_ID),
    ("viewport_size", MAX_ID),
    ("language", MAX_ID),
    ("timezone", MAX_ID),
];

/// # Errors
/// Names the field that is missing or wrong.
fn parse(sent: &SentCall<'_>) -> Result<Body, Invalid> {
    let fields = sent.fields;
    let text = fields
        .prose("affiliate_url", MAX_PAGE_URL)?
        .ok_or_else(|| Invalid::new(AFFILIATE_URL_REQUIRED))?;
    let url = link(&text)?;
    let mut details = details(fields, &DETAILS);
    if let Some(user_agent) = sent.user_agent {
        let user_agent = || cut_to(user_agent, MAX_USER_AGENT).into();
        details.entry("user_agent").or_insert_with(user_agent);
    }
    Ok(Body::Click(Box::new(RecordClick {
        referral_code: code(fields, &url, sent.names)?,
        host: url.host_str().map(|host| host.trim_end_matches('.').to_owned()),
        existing: fields.identity("existing_click_id")?,
        referrer: fields.remark("referrer_url", MAX_PAGE_URL),
        landing_page: fields.remark("page_url", MAX_PAGE_URL).or(Some(text)),
        meta_data: meta_data(fields, &url),
        details,
        ..RecordClick::default()
    })))
}

/// The host comes out in lower case and without its port, whatever was typed.
fn link(text: &str) -> Result<Url, Invalid> {
    let url = Url::parse(text.trim()).ok();
    url.filter(|url| matches!(url.scheme(), "http" | "https"))
        .ok_or_else(|| Invalid::about("affiliate_url", AFFILIATE_URL_INVALID))
}

fn code(fields: &Fields, url: &Url, names: Names) -> Result<String, Invalid> {
    let of = |name: &str| fields.link_code(name, &parameter(url, name)?).transpose();
    let old = || of("ref").filter(|_| names == Names::Legacy);
    of("aff")
        .or_else(old)
        .ok_or_else(|| Invalid::about("affiliate_url", NO_AFF))?
}

/// Also behind `&amp;`, `;` and a second `?`, and without what such a sign has glued to it.
fn parameter(url: &Url, name: &str) -> Option<String> {
    let of = |query: &str| {
        let mut sent = form_urlencoded::parse(query.as_bytes());
        sent.find(|(sent, _)| sent == name)
            .map(|(_, value)| value.into_owned())
    };
    let query = url.query()?;
    let value = of(query).or_else(|| of(&query.replace(['?', ';'], "&")))?;
    let own = match value.split_once(['?', '&', ';']) {
        Some((own, rest)) if rest.contains('=') => own.to_owned(),
        _ => value,
    };
    Some(own)
}

fn meta_data(fields: &Fields, url: &Url) -> MetaData {
    let sent = url.query_pairs().filter_map(|(name, value)| {
        let name = name.strip_prefix(META_PREFIX).filter(|name| !name.is_empty())?;
        Some((name.to_owned(), Value::from(value)))
    });
    fields.cleaned("affiliate_url", sent.collect())
}

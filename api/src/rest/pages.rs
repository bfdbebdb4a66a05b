//! Pages of a list and the `Link` header (seed: REST 1.6, pagination).

use std::sync::Arc;

use axum::{
    Json,
    extract::{FromRequestParts, OriginalUri},
    http::{HeaderValue, Uri, header, request::Parts},
    response::{IntoResponse, Response},
};
use common::{
    http::{Connection, host},
    reads::rest::page::{PAGE_SIZE, Page},
};
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

use super::params;
use crate::{Api, Problem};

/// The request for a page: its number, and what the links to others are made of.
#[derive(Debug)]
pub(crate) struct PageRequest {
    /// From 1.
    pub(crate) number: u32,
    uri: Uri,
    /// Scheme and host as the caller sees them.
    origin: Option<String>,
}

#[derive(Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub(crate) struct PageParams {
    #[serde(deserialize_with = "page_number")]
    #[param(minimum = 1, example = 1)]
    page: Option<u32>,
}

fn page_number<'de, D: Deserializer<'de>>(value: D) -> Result<Option<u32>, D::Error> {
    let number = String::deserialize(value)?.parse().ok();
    match number.filter(|number| *number > 0) {
        Some(number) => Ok(Some(number)),
        None => Err(D::Error::custom("must be a number from 1 on")),
    }
}

impl FromRequestParts<Arc<Api>> for PageRequest {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Arc<Api>) -> Result<Self, Problem> {
        // As it was sent: the links have a last slash where the caller writes one.
        let Ok(OriginalUri(uri)) = OriginalUri::from_request_parts(parts, api).await;
        let PageParams { page } = params::read(&parts.uri)?;
        let public = api.public_url.as_ref().map(ToString::to_string);
        Ok(Self {
            number: page.unwrap_or(1),
            uri,
            origin: public.or_else(|| origin(parts)),
        })
    }
}

/// The request for a list that has no pages: what is no number of one is refused all the same.
#[derive(Debug)]
pub(crate) struct NoPages;

impl<S: Sync> FromRequestParts<S> for NoPages {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let PageParams { page: _ } = params::read(&parts.uri)?;
        Ok(Self)
    }
}

impl PageRequest {
    /// The page, each row as `show` says, and the way to the others.
    pub(crate) fn answer<'p, T, V: Serialize>(
        &self,
        page: &'p Page<T>,
        show: impl Fn(&'p T) -> V,
    ) -> Response {
        let shown: Vec<V> = page.rows.iter().map(show).collect();
        let mut response = Json(shown).into_response();
        let origin = self.origin.as_deref();
        if let Some(link) = origin.and_then(|origin| link(origin, &self.uri, page)) {
            response.headers_mut().insert(header::LINK, link);
        }
        response
    }
}

/// `next`, `last`, `first`, `prev`, each where there is one: the same request with another page. `None` when the request's
/// own address cannot be printed in a header.
fn link<T>(origin: &str, uri: &Uri, page: &Page<T>) -> Option<HeaderValue> {
    let number = page.number;
    // The total may be an estimate: the page that is there cannot lie behind the last.
    let least = if page.has_next {
        number.saturating_add(1)
    } else {
        1
    };
    let last = u32::try_from(page.total.div_ceil(u64::from(PAGE_SIZE))).unwrap_or(u32::MAX);
    let last = last.max(least);
    let base = format!("{origin}{}", uri.path());
    let filters: Vec<_> = uri
        .query()
        .unwrap_or_default()
        .split('&')
        .filter(|pair| !pair.is_empty() && *pair != "page" && !pair.starts_with("page="))
        .collect();
    let entry = |number: u32, rel: &str| {
        let number = format!("page={number}");
        let query: Vec<_> = filters.iter().copied().chain([number.as_str()]).collect();
        format!("<{base}?{}>; rel=\"{rel}\"", query.join("&"))
    };
    let mut entries = Vec::new();
    if page.has_next {
        entries.push(entry(number + 1, "next"));
    }
    entries.push(entry(last, "last"));
    entries.push(entry(1, "first"));
    if number > 1 {
        entries.push(entry((number - 1).min(last), "prev"));
    }
    HeaderValue::try_from(entries.join(", ")).ok()
}

/// Of the host by which the caller calls; the scheme is https where a trusted proxy says so. `None` for a caller of HTTP/1.0
/// that names no host: a link that is not absolute would lead it nowhere.
fn origin(parts: &Parts) -> Option<String> {
    let host = host(&parts.headers)?;
    let connection = parts.extensions.get::<Connection>();
    let is_https = connection.is_some_and(|connection| connection.is_https(&parts.headers));
    Some(format!("{}://{host}", if is_https { "https" } else { "http" }))
}

#[cfg(test)]
mod tests {
    use common::http::Limits;

    use super::*;

    fn links(uri: &'static str, number: u32, has_next: bool, total: u64) -> String {
        let page = Page::<()> {
            rows: Vec::new(),
            number,
            has_next,
            total,
        };
        let link = link("http://shop.example", &Uri::from_static(uri), &page).unwrap();
        link.to_str().unwrap().to_owned()
    }

    #[tokio::test]
    async fn pages_count_from_one() {
        for (query, want) in [
            ("", Some(1)),
            ("page=", Some(1)),
            ("page=1", Some(1)),
            ("page=51", Some(51)),
            ("page=0", None),
            ("page=-1", None),
            ("page=x", None),
            ("page[a]=1", None),
        ] {
            let request = axum::http::Request::get(format!("/1.6/conversions/?{query}"));
            let (mut parts, ()) = request.body(()).unwrap().into_parts();
            let request = NoPages::from_request_parts(&mut parts, &()).await;
            assert_eq!(request.is_ok(), want.is_some(), "{query}");
            let read = params::read(&parts.uri).ok();
            assert_eq!(read.map(|PageParams { page }| page.unwrap_or(1)), want, "{query}");
        }
    }

    #[test]
    fn links_keep_the_filters() {
        assert_eq!(
            links(
                "/1.6/conversions/?affiliate_id=a%26b&page=2&page_x=1",
                2,
                true,
                60
            ),
            "<http://shop.example/1.6/conversions/?affiliate_id=a%26b&page_x=1&page=3>; rel=\"next\", \
             <http://shop.example/1.6/conversions/?affiliate_id=a%26b&page_x=1&page=3>; rel=\"last\", \
             <http://shop.example/1.6/conversions/?affiliate_id=a%26b&page_x=1&page=1>; rel=\"first\", \
             <http://shop.example/1.6/conversions/?affiliate_id=a%26b&page_x=1&page=1>; rel=\"prev\""
        );
    }

    #[test]
    fn links_begin_with_the_name_by_which_the_caller_calls() {
        for (peer, sent, want) in [
            (
                "203.0.113.7",
                [("host", "shop.example:8080")].as_slice(),
                Some("http://shop.example:8080"),
            ),
            (
                "10.0.0.1",
                &[("host", "shop.example"), ("x-forwarded-proto", "HTTPS")],
                Some("https://shop.example"),
            ),
            (
                "203.0.113.7",
                &[("host", "shop.example"), ("x-forwarded-proto", "https")],
                Some("http://shop.example"),
            ),
            ("203.0.113.7", &[("host", "a>b")], None),
            ("203.0.113.7", &[], None),
        ] {
            let limits = Limits {
                trusted: "10.0.0.1".parse().unwrap(),
                ..Limits::default()
            };
            let mut request =
                axum::http::Request::get("/").extension(Connection::from_peer(peer.parse().unwrap(), limits));
            for (name, value) in sent {
                request = request.header(*name, *value);
            }
            let (parts, ()) = request.body(()).unwrap().into_parts();
            assert_eq!(origin(&parts).as_deref(), want, "{peer} {sent:?}");
        }
    }

    #[test]
    fn there_is_no_next_after_the_end() {
        let end = links("/1.6/conversions", 1, false, 0);
        assert!(!end.contains("next") && !end.contains("prev"), "{end}");
        assert!(
            end.starts_with("<http://shop.example/1.6/conversions?page=1>; rel=\"last\""),
            "{end}"
        );
        let past = links("/1.6/conversions", 9, false, 26);
        assert!(past.contains("page=2>; rel=\"prev\""), "{past}");
    }

    #[test]
    fn an_estimate_never_ends_before_the_page_that_is_there() {
        assert!(links("/c", 500, true, 10_001).contains("page=501>; rel=\"last\""));
    }
}

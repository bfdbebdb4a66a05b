//! Pages of a list and the `Link` header (seed: REST 1.6, pagination).

use std::convert::Infallible;

use axum::{
    Json,
    extract::{FromRequestParts, OriginalUri},
    http::{HeaderMap, HeaderValue, Uri, header, request::Parts},
    response::{IntoResponse, Response},
};
use common::reads::rest::{MAX_EXACT_TOTAL, PAGE_SIZE};
use serde::Serialize;

/// The request for a page, of which the links are made.
#[derive(Debug)]
pub(crate) struct Asked {
    uri: Uri,
    headers: HeaderMap,
}

impl<S: Send + Sync> FromRequestParts<S> for Asked {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        // As it was sent: the links have a last slash where the caller writes one.
        let OriginalUri(uri) = OriginalUri::from_request_parts(parts, state).await?;
        Ok(Self {
            uri,
            headers: parts.headers.clone(),
        })
    }
}

impl Asked {
    /// Where a page of `found` rows stands. `total` is asked only where it must be.
    ///
    /// # Errors
    /// Those of `total`.
    pub(crate) async fn position<E>(
        page: u32,
        found: usize,
        total: impl Future<Output = Result<u64, E>>,
    ) -> Result<Position, E> {
        match Self::last_page(page, found) {
            Some(position) => Ok(position),
            None => Ok(Self::counted(page, found, total.await?)),
        }
    }

    /// Where a page stands that is not full, and so the last: nothing needs to be counted.
    fn last_page(page: u32, found: usize) -> Option<Position> {
        let found = u32::try_from(found).unwrap_or(PAGE_SIZE);
        let is_last = found < PAGE_SIZE && (found > 0 || page == 1);
        is_last.then(|| Position {
            page,
            more: false,
            total: before(page) + u64::from(found),
        })
    }

    /// Where any other page stands.
    fn counted(page: u32, found: usize, total: u64) -> Position {
        let behind = before(page) + u64::try_from(found).unwrap_or_default();
        Position {
            page,
            more: found > 0 && (total > behind || total > MAX_EXACT_TOTAL),
            total,
        }
    }

    /// The page, and the way to the others.
    pub(crate) fn answer(&self, position: Position, shown: &impl Serialize) -> Response {
        let mut response = Json(shown).into_response();
        if let Some(link) = link(&self.uri, &self.headers, position) {
            response.headers_mut().insert(header::LINK, link);
        }
        response
    }
}

/// How many come before it.
fn before(page: u32) -> u64 {
    u64::from(page.saturating_sub(1)) * u64::from(PAGE_SIZE)
}

/// Where a list stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Position {
    pub(crate) page: u32,
    /// Whether something follows.
    pub(crate) more: bool,
    /// All that match.
    pub(crate) total: u64,
}

/// `next`, `last`, `first`, `prev`, each where there is one: the same request with another page. `None` when the request's
/// own address cannot be printed in a header.
fn link(uri: &Uri, headers: &HeaderMap, at: Position) -> Option<HeaderValue> {
    let last = u32::try_from(at.total.div_ceil(u64::from(PAGE_SIZE))).unwrap_or(u32::MAX);
    // The total may be an estimate: the page that is there cannot lie behind the last.
    let last = last
        .max(1)
        .max(if at.more { at.page.saturating_add(1) } else { 1 });
    let base = format!("{}{}", origin(headers), uri.path());
    let filters: Vec<_> = uri
        .query()
        .unwrap_or_default()
        .split('&')
        .filter(|pair| !pair.is_empty() && *pair != "page" && !pair.starts_with("page="))
        .collect();
    let entry = |page: u32, rel: &str| {
        let page = format!("page={page}");
        let query: Vec<_> = filters.iter().copied().chain([page.as_str()]).collect();
        format!("<{base}?{}>; rel=\"{rel}\"", query.join("&"))
    };
    let mut entries = Vec::new();
    if at.more {
        entries.push(entry(at.page + 1, "next"));
    }
    entries.push(entry(last, "last"));
    entries.push(entry(1, "first"));
    if at.page > 1 {
        entries.push(entry((at.page - 1).min(last), "prev"));
    }
    HeaderValue::try_from(entries.join(", ")).ok()
}

/// Scheme and host as the caller sees them. Behind a proxy that says nothing the scheme is a guess.
fn origin(headers: &HeaderMap) -> String {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let is_host = |host: &&str| !host.contains(['<', '>', '"', ' ', '/']);
    let Some(host) = text(header::HOST.as_str()).filter(is_host) else {
        return String::new();
    };
    let is_https = text("x-forwarded-proto").is_some_and(|scheme| scheme.eq_ignore_ascii_case("https"));
    format!("{}://{host}", if is_https { "https" } else { "http" })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn links(uri: &'static str, page: u32, more: bool, total: u64) -> String {
        let headers = HeaderMap::from_iter([(header::HOST, HeaderValue::from_static("shop.example"))]);
        let uri = Uri::from_static(uri);
        link(&uri, &headers, Position { page, more, total })
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned()
    }

    #[test]
    fn only_a_full_page_or_one_behind_the_end_needs_a_count() {
        for (page, found, want) in [
            (1, 0, Some(0)),
            (1, 24, Some(24)),
            (3, 5, Some(55)),
            (1, 25, None),
            (4, 0, None),
        ] {
            let total = Asked::last_page(page, found).map(|position| position.total);
            assert_eq!(total, want, "page {page} with {found}");
        }
        assert!(Asked::counted(1, 25, 26).more && !Asked::counted(1, 25, 25).more);
        assert!(!Asked::counted(9, 0, 26).more, "behind the end");
        assert!(Asked::counted(900, 25, MAX_EXACT_TOTAL + 1).more, "an estimate");
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

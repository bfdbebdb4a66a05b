//! Paths as they are looked up: one slash at the beginning, none at the end. Published clients call with a last slash and
//! without, and some put their base URL's slash before the path's own (`//1.7/pb/con/c/`). A redirect would lose a body.
//!
//! Own code, because tower-http's `NormalizePath` drops all slashes at the end: `/1.6/conversions//`, a path without its
//! id, would be the list. Segments are not decoded here, and the query stays as it is.

use axum::{
    extract::Request,
    http::uri::{PathAndQuery, Uri},
};

/// For `axum::middleware::map_request`, around the router: routes, the shapes of errors, cross-origin calls and the
/// fingerprint of an `Idempotency-Key` all see the same path. `axum::extract::OriginalUri` still has the one that was sent.
pub async fn normalise(mut request: Request) -> Request {
    if let Some(uri) = normalised_uri(request.uri()) {
        *request.uri_mut() = uri;
    }
    request
}

/// `None` where nothing is to be changed.
fn normalised_uri(uri: &Uri) -> Option<Uri> {
    let path = normalised(uri.path());
    if path.len() == uri.path().len() {
        return None;
    }
    let path_and_query: PathAndQuery = match uri.query() {
        Some(query) => format!("{path}?{query}").try_into().ok()?,
        None => path.try_into().ok()?,
    };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(path_and_query);
    Uri::from_parts(parts).ok()
}

fn normalised(path: &str) -> &str {
    let doubled = path.bytes().take_while(|byte| *byte == b'/').count();
    let path = path.get(doubled.saturating_sub(1)..).unwrap_or(path);
    match path.strip_suffix('/') {
        Some("") | None => path,
        Some(shorter) => shorter,
    }
}

/// Whether a segment of a normalised path is missing. Nothing is served there.
pub(super) fn has_empty_segment(path: &str) -> bool {
    path.contains("//") || (path.len() > 1 && path.ends_with('/'))
}

/// Whether a normalised path is `prefix` or lies below it.
pub(super) fn is_below(path: &str, prefix: &str) -> bool {
    path.strip_prefix(prefix)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_last_slash_and_doubled_first_ones_do_not_count() {
        for (sent, want) in [
            ("/", "/"),
            ("//", "/"),
            ("/a", "/a"),
            ("/a/", "/a"),
            ("//1.7/pb/con/c/", "/1.7/pb/con/c"),
            ("///a", "/a"),
            ("/a//", "/a/"),
            ("/a//b/", "/a//b"),
            ("/a/%2F/", "/a/%2F"),
            ("*", "*"),
        ] {
            assert_eq!(normalised(sent), want, "{sent}");
        }
    }

    #[test]
    fn the_query_and_encoded_characters_stay() {
        let uri = |text: &str| text.parse::<Uri>().unwrap();
        for (sent, want) in [
            ("/a%20b/?q=//x/&r=%2F/", "/a%20b?q=//x/&r=%2F/"),
            ("//a/?", "/a?"),
            ("http://shop.example//a/?q", "http://shop.example/a?q"),
        ] {
            assert_eq!(normalised_uri(&uri(sent)), Some(uri(want)), "{sent}");
        }
        assert_eq!(normalised_uri(&uri("/a?q=/")), None);
    }

    #[test]
    fn a_missing_segment_is_seen() {
        for (path, is_missing) in [
            ("/", false),
            ("/a", false),
            ("/a/", true),
            ("/a//b", true),
            ("/a/%2F%2F", false),
        ] {
            assert_eq!(has_empty_segment(path), is_missing, "{path}");
        }
    }

    #[test]
    fn prefixes_end_with_a_segment() {
        for (path, is_there) in [("/1.6", true), ("/1.6/x", true), ("/1.60", false), ("/1", false)] {
            assert_eq!(is_below(path, "/1.6"), is_there, "{path}");
        }
    }
}

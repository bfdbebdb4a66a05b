//! The name under which callers know the service, where that is not the one by which they reach this process.

use std::{fmt, str::FromStr};

use axum::http::Uri;

/// Scheme, host and perhaps a path, without a last slash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl(String);

#[derive(Debug, thiserror::Error)]
#[error("{0:?} is no URL such as https://api.shop.example")]
pub struct NoPublicUrl(String);

impl FromStr for PublicUrl {
    type Err = NoPublicUrl;

    fn from_str(text: &str) -> Result<Self, NoPublicUrl> {
        let wrong = || NoPublicUrl(text.to_owned());
        let uri: Uri = text.parse().map_err(|_malformed| wrong())?;
        let is_http = matches!(uri.scheme_str(), Some("http" | "https"));
        // What stands in a header between these signs must not end it.
        let is_plain = !text.contains(['<', '>', '"', '@', '?', '#']);
        if is_http && is_plain && uri.host().is_some_and(|host| !host.is_empty()) {
            Ok(Self(text.trim_end_matches('/').to_owned()))
        } else {
            Err(wrong())
        }
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_absolute() {
        for (text, want) in [
            ("https://api.shop.example", Some("https://api.shop.example")),
            ("http://127.0.0.1:8080/", Some("http://127.0.0.1:8080")),
            (
                "https://shop.example/affiliates/",
                Some("https://shop.example/affiliates"),
            ),
            ("shop.example", None),
            ("//shop.example", None),
            ("ftp://shop.example", None),
            ("https://shop.example/?a=1", None),
            ("https://me@shop.example", None),
            ("https://", None),
            ("", None),
        ] {
            let read = text.parse::<PublicUrl>().ok().map(|url| url.to_string());
            assert_eq!(read.as_deref(), want, "{text}");
        }
    }
}

//! Bytes become text: by the character set that is declared, or UTF-8. What neither can read becomes U+FFFD, which free text may
//! have and no id.

use std::borrow::Cow;

use axum::http::{
    HeaderMap,
    header::{CONTENT_ENCODING, CONTENT_TYPE},
};
use encoding_rs::{Encoding, UTF_8};
use percent_encoding::percent_decode_str;

/// What stands for a character that was lost on its way.
pub(super) const LOST: char = char::REPLACEMENT_CHARACTER;

/// The character set of a body, as its headers declare it. Some clients name it in `Content-Encoding`.
pub(super) fn declared(headers: &HeaderMap) -> &'static Encoding {
    let text = |name| {
        headers
            .get(name)
            .and_then(|value: &axum::http::HeaderValue| value.to_str().ok())
    };
    let parameter = text(CONTENT_TYPE).and_then(charset_of);
    let named = parameter.or_else(|| text(CONTENT_ENCODING));
    named
        .and_then(|label| Encoding::for_label(label.trim().as_bytes()))
        .unwrap_or(UTF_8)
}

fn charset_of(content_type: &str) -> Option<&str> {
    let mut parameters = content_type
        .split(';')
        .skip(1)
        .filter_map(|parameter| parameter.split_once('='));
    let (_, label) = parameters.find(|(name, _)| name.trim().eq_ignore_ascii_case("charset"))?;
    Some(label.trim().trim_matches('"'))
}

/// A byte order mark says more than a header.
pub(super) fn text_of<'a>(bytes: &'a [u8], declared: &'static Encoding) -> Cow<'a, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) if declared == UTF_8 || bytes.is_ascii() && declared.is_ascii_compatible() => {
            text.strip_prefix('\u{feff}').unwrap_or(text).into()
        }
        _ => declared.decode(bytes).0,
    }
}

/// The text of a part of a query or a form.
pub(super) fn percent_decoded(text: &str, declared: &'static Encoding) -> String {
    let spaced: Cow<'_, str> = if text.contains('+') {
        text.replace('+', " ").into()
    } else {
        text.into()
    };
    let bytes: Cow<'_, [u8]> = percent_decode_str(&spaced).into();
    // Bytes that were not escaped have been read by then.
    let declared = if text.is_ascii() { declared } else { UTF_8 };
    if declared == UTF_8 {
        return match bytes {
            Cow::Borrowed(_) => spaced.into_owned(),
            Cow::Owned(bytes) => String::from_utf8(bytes)
                .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()),
        };
    }
    declared.decode_without_bom_handling(&bytes).0.into_owned()
}

#[cfg(test)]
mod tests {
    use encoding_rs::{UTF_16LE, WINDOWS_1252};

    use super::*;

    #[test]
    fn a_declared_character_set_is_read() {
        let declared_by = |name: &'static str, value: &str| {
            declared(&HeaderMap::from_iter([(
                name.parse().unwrap(),
                value.parse().unwrap(),
            )]))
        };
        assert_eq!(
            declared_by("content-type", "text/plain; charset=ISO-8859-1"),
            WINDOWS_1252
        );
        assert_eq!(
            declared_by("content-type", "text/plain;x=1; Charset=\"latin1\""),
            WINDOWS_1252
        );
        assert_eq!(declared_by("content-encoding", "iso-8859-1"), WINDOWS_1252);
        for unknown in ["text/plain", "text/plain; charset=klingon", "charset"] {
            assert_eq!(declared_by("content-type", unknown), UTF_8);
        }
        assert_eq!(text_of(b"Jos\xe9", WINDOWS_1252), "José");
        assert_eq!(text_of("José".as_bytes(), UTF_8), "José");
        assert_eq!(text_of(b"Jos\xe9", UTF_8), "Jos\u{fffd}");
        assert_eq!(text_of(b"\xff\xfea\0b\0", UTF_8), "ab", "a byte order mark");
        assert_eq!(text_of(b"a\0b\0", UTF_16LE), "ab");
        assert_eq!(text_of(b"\xef\xbb\xbfab", UTF_8), "ab");
        assert_eq!(percent_decoded("a+b%E9", WINDOWS_1252), "a bé");
        assert_eq!(percent_decoded("%C3%A9+%E9", UTF_8), "é \u{fffd}");
        assert_eq!(percent_decoded("é%C3%A9", WINDOWS_1252), "éé");
    }
}

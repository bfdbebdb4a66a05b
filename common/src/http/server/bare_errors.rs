//! What the HTTP library says by itself, of a head that it cannot read, has a status and nothing else: here it gets the shape of all
//! our errors. Nothing of ours is a 4xx without a body.

use std::io::IoSlice;

use axum::http::StatusCode;

use super::{limits::MAX_HEAD_BYTES, turn_away::answer};
use crate::http::Rejection;

/// How such an answer begins, before the rest of its status.
const BEGINNING: &[u8] = b"HTTP/1.1 4";
const NO_BODY: &[u8] = b"\r\ncontent-length: 0\r\n";

/// What is to be said instead, and how many bytes it stands for. `has_line`: of the head the first line has been read.
pub(super) fn instead_of(slices: &[IoSlice<'_>], has_line: bool) -> Option<(Vec<u8>, usize)> {
    let [head] = slices else { return None };
    if !head.starts_with(BEGINNING) || !head.windows(NO_BODY.len()).any(|part| part == NO_BODY) {
        return None;
    }
    let status = head.get(9..12)?;
    let status = StatusCode::from_bytes(status).ok()?;
    let (status, message) = match status {
        StatusCode::URI_TOO_LONG => too_long(),
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE if !has_line => too_long(),
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => (
            status,
            format!("the headers are longer than {MAX_HEAD_BYTES} bytes"),
        ),
        _ => (status, "the head of the request is malformed".to_owned()),
    };
    Some((answer(status, &message, None), head.len()))
}

fn too_long() -> (StatusCode, String) {
    let rejection = Rejection::UrlTooLong;
    (rejection.status(), rejection.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(head: &str, has_line: bool) -> Option<String> {
        let (instead, bytes) = instead_of(&[IoSlice::new(head.as_bytes())], has_line)?;
        assert_eq!(bytes, head.len());
        Some(String::from_utf8(instead).unwrap())
    }

    #[test]
    fn only_what_has_no_body_is_replaced() {
        let bare = |status: &str| {
            format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: 0\r\ndate: x\r\n\r\n")
        };
        let said_400 = said(&bare("400 Bad Request"), false).unwrap();
        assert!(said_400.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{said_400}");
        assert!(
            said_400.contains("{\"error\":\"the head of the request is malformed\","),
            "{said_400}"
        );
        let large = bare("431 Request Header Fields Too Large");
        assert!(said(&large, true).unwrap().starts_with("HTTP/1.1 431 "));
        assert!(said(&large, false).unwrap().starts_with("HTTP/1.1 414 "));
        assert_eq!(said(&bare("200 OK"), true), None);
        assert_eq!(
            said("HTTP/1.1 404 Not Found\r\ncontent-length: 10\r\n\r\n", true),
            None
        );
        assert_eq!(said("HTTP/1.1 404", true), None);
    }
}

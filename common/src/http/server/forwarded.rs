//! What proxies write down of a request that they hand on: `X-Forwarded-For`, and `Forwarded` (RFC 7239). Whom to believe is not
//! decided here.

use std::net::{IpAddr, SocketAddr};

use axum::http::{HeaderMap, HeaderValue, header::FORWARDED};

const X_FORWARDED_FOR: &str = "x-forwarded-for";
const X_FORWARDED_PROTO: &str = "x-forwarded-proto";

/// One hop, as the proxy that took the request wrote it down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hop {
    /// Who sent it to the proxy. `None`: it names none, or none that is an address.
    pub(super) address: Option<IpAddr>,
    /// Whether it came by https, where the proxy says so here.
    pub(super) is_https: Option<bool>,
}

/// The hops of `X-Forwarded-For`, the last first; `None` where there is no such header.
pub(super) fn of_x_forwarded(headers: &HeaderMap) -> Option<Vec<Hop>> {
    let hop = |text: &str| Hop {
        address: address(text),
        is_https: None,
    };
    hops(headers.get_all(X_FORWARDED_FOR), |list| {
        list.split(',').map(hop).collect()
    })
}

/// The hops of `Forwarded`, the last first; `None` where there is no such header.
pub(super) fn of_forwarded(headers: &HeaderMap) -> Option<Vec<Hop>> {
    hops(headers.get_all(FORWARDED), |list| {
        // Quotes hold no separator that matters to us, and one that a client leaves open must not swallow what a proxy adds.
        list.split(',').map(element).collect()
    })
}

/// Whether `X-Forwarded-Proto` says https. Of a list the first is what the client used.
pub(super) fn is_x_https(headers: &HeaderMap) -> bool {
    let sent = headers.get(X_FORWARDED_PROTO);
    let first = sent.and_then(|value| value.to_str().ok()?.split(',').next());
    first.is_some_and(is_https)
}

fn hops<'h>(
    lists: impl IntoIterator<Item = &'h HeaderValue>,
    read: impl Fn(&str) -> Vec<Hop>,
) -> Option<Vec<Hop>> {
    let mut hops: Option<Vec<Hop>> = None;
    for list in lists {
        // What is no text is no address, and costs its own hop alone.
        let list = String::from_utf8_lossy(list.as_bytes());
        hops.get_or_insert_default().extend(read(&list));
    }
    if let Some(hops) = &mut hops {
        hops.reverse();
    }
    hops
}

/// `for=192.0.2.60;proto=https;by=203.0.113.43`, in any order and case.
fn element(text: &str) -> Hop {
    let mut hop = Hop {
        address: None,
        is_https: None,
    };
    for pair in text.split(';') {
        let Some((name, value)) = pair.split_once('=') else {
            continue;
        };
        let value = value.trim().trim_matches('"');
        match name.trim().to_ascii_lowercase().as_str() {
            "for" => hop.address = address(value),
            "proto" => hop.is_https = Some(is_https(value)),
            _ => {}
        }
    }
    hop
}

fn is_https(scheme: &str) -> bool {
    scheme.trim().eq_ignore_ascii_case("https")
}

/// An address, with a port or without.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    let found = bare.parse().ok();
    let found = found.or_else(|| Some(text.parse::<SocketAddr>().ok()?.ip()));
    found.map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forwarded_is_read_as_its_standard_writes_it() {
        for (sent, want) in [
            (
                "for=192.0.2.60;proto=http;by=203.0.113.43",
                vec![(Some("192.0.2.60"), Some(false))],
            ),
            (
                "For=\"[2001:db8:cafe::17]:4711\"",
                vec![(Some("2001:db8:cafe::17"), None)],
            ),
            (
                "for=192.0.2.43, for=198.51.100.17;Proto=HTTPS",
                vec![(Some("198.51.100.17"), Some(true)), (Some("192.0.2.43"), None)],
            ),
            (
                "for=\"192.0.2.1:80\" ; host=\"a;c\"",
                vec![(Some("192.0.2.1"), None)],
            ),
            (
                "for=\"10.0.0.1, for=192.0.2.1",
                vec![(Some("192.0.2.1"), None), (Some("10.0.0.1"), None)],
            ),
            ("for=_hidden, for=unknown", vec![(None, None), (None, None)]),
            ("proto=https", vec![(None, Some(true))]),
            ("", vec![(None, None)]),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(FORWARDED, sent.parse().unwrap());
            let want: Vec<_> = want
                .into_iter()
                .map(|(address, is_https)| Hop {
                    address: address.map(|text: &str| text.parse().unwrap()),
                    is_https,
                })
                .collect();
            assert_eq!(of_forwarded(&headers), Some(want), "{sent}");
        }
        assert_eq!(of_forwarded(&HeaderMap::new()), None);
    }
}

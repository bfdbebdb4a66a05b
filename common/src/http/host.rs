//! Which host a request is for: one, and no more. A proxy in front might take the first of two, and we the second.

use axum::{
    extract::Request,
    http::{HeaderMap, Version, header::HOST, uri::Authority},
};

use super::{request::Invalid, server::Connection};

/// # Errors
/// When a request that came over the network names no host or several, or what no host is called. HTTP/1.0 need not name one.
pub(super) fn check(request: &Request) -> Result<(), Invalid> {
    // Requests that a test makes up have none.
    if request.extensions().get::<Connection>().is_none() {
        return Ok(());
    }
    let mut named = request.headers().get_all(HOST).iter();
    let is_one = match (named.next(), named.next()) {
        (Some(_), Some(_)) => false,
        (Some(_), None) => host(request.headers()).is_some(),
        (None, _) => request.version() < Version::HTTP_11,
    };
    if is_one {
        Ok(())
    } else {
        Err(Invalid::new("exactly one valid Host header is wanted"))
    }
}

/// The host that the headers name, with its port.
pub fn host(headers: &HeaderMap) -> Option<&str> {
    let host = headers.get(HOST)?.to_str().ok()?;
    let is_host = !host.contains('@')
        && host
            .parse::<Authority>()
            .is_ok_and(|authority| !authority.host().is_empty());
    is_host.then_some(host)
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use axum::body::Body;

    use super::*;
    use crate::http::Limits;

    fn is_right(version: Version, hosts: &[&str]) -> bool {
        let mut request = Request::builder().version(version);
        for host in hosts {
            request = request.header(HOST, *host);
        }
        let mut request = request.body(Body::empty()).unwrap();
        assert!(check(&request).is_ok(), "nobody sent it");
        let connection = Connection::from_peer(Ipv4Addr::LOCALHOST.into(), Limits::default());
        request.extensions_mut().insert(connection);
        check(&request).is_ok()
    }

    #[test]
    fn one_host_is_named() {
        for hosts in [
            ["shop.example"],
            ["shop.example:8080"],
            ["[::1]:80"],
            ["10.0.0.1"],
        ] {
            assert!(is_right(Version::HTTP_11, &hosts), "{hosts:?}");
        }
        for hosts in [
            [].as_slice(),
            &["a", "b"],
            &["a", "a"],
            &[""],
            &["a b"],
            &["a/b"],
            &["me@a"],
            &[":80"],
            &["a\"b"],
            &["a, b"],
        ] {
            assert!(!is_right(Version::HTTP_11, hosts), "{hosts:?}");
        }
        assert!(is_right(Version::HTTP_10, &[]) && !is_right(Version::HTTP_10, &["a", "b"]));
    }
}

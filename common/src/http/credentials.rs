//! Where a request carries its key: each dialect has its own headers.

use axum::http::{HeaderMap, HeaderValue, header::AUTHORIZATION};

/// One place to look for a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeySource {
    /// The header's value is the key.
    Header(&'static str),
    /// `Authorization: Bearer <key>`.
    Bearer,
}

/// seed: Yaplet
pub const YAPLET_KEYS: &[KeySource] = &[KeySource::Header("y-api-key")];
/// seed: Postback 1.7 and REST 1.6; most published clients send the older `Api-Key`.
pub const TAPFILIATE_KEYS: &[KeySource] = &[KeySource::Header("x-api-key"), KeySource::Header("api-key")];
/// seed: Affitor
pub const AFFITOR_KEYS: &[KeySource] = &[KeySource::Bearer];
/// seed: AFFY
pub const AFFY_KEYS: &[KeySource] = &[KeySource::Bearer];
/// The calls under `/v1`.
pub const NATIVE_KEYS: &[KeySource] = &[KeySource::Header("x-api-key"), KeySource::Bearer];

/// What the control plane reads in every dialect: REST 1.6 documents `X-Api-Key`, its group examples and older clients
/// send `Api-Key`, and integrators of the other dialects have a bearer token.
pub const CONTROL_KEYS: &[KeySource] = &[
    KeySource::Header("x-api-key"),
    KeySource::Header("api-key"),
    KeySource::Bearer,
];

/// Longer texts are no keys of ours and are not hashed.
const MAX_KEY_BYTES: usize = 256;
const BEARER: &str = "bearer ";

/// The first key that the request presents in `sources`. An empty header, or one that no key can be, is none, also beside
/// another of the same name.
pub fn presented<'a>(headers: &'a HeaderMap, sources: &[KeySource]) -> Option<&'a str> {
    sources.iter().find_map(|source| match source {
        KeySource::Header(name) => headers
            .get_all(*name)
            .iter()
            .find_map(|value| key(value.to_str().ok()?)),
        KeySource::Bearer => {
            let mut values = headers.get_all(AUTHORIZATION).iter();
            values.find_map(|value| key(bearer(value.to_str().ok()?)?))
        }
    })
}

/// Whether a key is sent in `sources` at all, be it good or bad: where a key is optional, a bad one is none the less wrong. A
/// header without text is no key, a Bearer without one is.
pub fn sends_key(headers: &HeaderMap, sources: &[KeySource]) -> bool {
    let is_said = |value: &HeaderValue| !value.as_bytes().trim_ascii().is_empty();
    sources.iter().any(|source| match source {
        KeySource::Header(name) => headers.get_all(*name).iter().any(is_said),
        KeySource::Bearer => sends_bearer(headers),
    })
}

fn key(text: &str) -> Option<&str> {
    Some(text.trim()).filter(|key| (1..=MAX_KEY_BYTES).contains(&key.len()))
}

/// Whether a Bearer is sent at all, be it good, bad or empty: where a key is optional, a bad one is none the less wrong.
pub fn sends_bearer(headers: &HeaderMap) -> bool {
    let scheme = BEARER.trim_end().as_bytes();
    let mut values = headers.get_all(AUTHORIZATION).iter().map(HeaderValue::as_bytes);
    values.any(|value| {
        let sent = value.get(..scheme.len());
        sent.is_some_and(|sent| sent.eq_ignore_ascii_case(scheme))
    })
}

fn bearer(value: &str) -> Option<&str> {
    let (scheme, key) = value.split_at_checked(BEARER.len())?;
    scheme.eq_ignore_ascii_case(BEARER).then_some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(headers: &[(&'static str, &'static str)], sources: &[KeySource]) -> Option<String> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        presented(&map, sources).map(str::to_owned)
    }

    #[test]
    fn each_dialect_looks_into_its_own_headers() {
        let some = |key: &str| Some(key.to_owned());
        assert_eq!(found(&[("y-api-key", " k ")], YAPLET_KEYS), some("k"));
        assert_eq!(found(&[("x-api-key", "k")], YAPLET_KEYS), None);
        assert_eq!(found(&[("api-key", "k")], TAPFILIATE_KEYS), some("k"));
        assert_eq!(
            found(&[("api-key", "old"), ("x-api-key", "new")], TAPFILIATE_KEYS),
            some("new")
        );
        assert_eq!(
            found(&[("x-api-key", ""), ("api-key", "k")], TAPFILIATE_KEYS),
            some("k")
        );
        for (name, empty, good) in [
            ("y-api-key", "", "k"),
            ("y-api-key", " ", "k"),
            ("authorization", "", "Bearer k"),
            ("authorization", "Bearer ", "Bearer k"),
        ] {
            let sources = if name == "y-api-key" {
                YAPLET_KEYS
            } else {
                AFFITOR_KEYS
            };
            for pair in [[(name, empty), (name, good)], [(name, good), (name, empty)]] {
                assert_eq!(found(&pair, sources), some("k"), "{pair:?}");
            }
        }
        assert_eq!(found(&[("authorization", "bearer k")], NATIVE_KEYS), some("k"));
        assert_eq!(found(&[("authorization", "Basic k")], NATIVE_KEYS), None);
        assert_eq!(found(&[("authorization", "Be")], NATIVE_KEYS), None);
    }

    #[test]
    fn a_bad_key_is_sent_and_an_empty_header_is_not() {
        for (name, value, is_sent) in [
            ("x-api-key", "", false),
            ("x-api-key", " ", false),
            ("x-api-key", "k", true),
            ("api-key", "k", true),
            ("authorization", "", false),
            ("authorization", "Basic k", false),
            ("authorization", "Bearer", true),
            ("authorization", "bearer k", true),
        ] {
            let headers = HeaderMap::from_iter([(name.parse().unwrap(), value.parse().unwrap())]);
            assert_eq!(sends_key(&headers, CONTROL_KEYS), is_sent, "{name}: {value:?}");
        }
    }

    #[test]
    fn the_control_plane_takes_a_key_in_three_headers() {
        for (name, value, want) in [
            ("x-api-key", "k1", Some("k1")),
            ("api-key", " k1 ", Some("k1")),
            ("authorization", "Bearer k1", Some("k1")),
            ("authorization", "bearer k1", Some("k1")),
            ("authorization", "Basic k1", None),
            ("authorization", "k1", None),
            ("x-api-key", "", None),
            ("x-other", "k1", None),
        ] {
            let found = found(&[(name, value)], CONTROL_KEYS);
            assert_eq!(found.as_deref(), want, "{name}: {value}");
        }
        let beside = |header| found(&[(header, " "), ("authorization", "Bearer k1")], CONTROL_KEYS);
        for header in ["x-api-key", "api-key"] {
            assert_eq!(beside(header).as_deref(), Some("k1"), "an empty header is no key");
        }
        let presented_of = |bytes: usize| {
            let key = HeaderValue::from_str(&"k".repeat(bytes)).unwrap();
            let headers = HeaderMap::from_iter([("x-api-key".parse().unwrap(), key)]);
            presented(&headers, CONTROL_KEYS).map(str::len)
        };
        assert_eq!(presented_of(MAX_KEY_BYTES), Some(MAX_KEY_BYTES));
        assert_eq!(presented_of(MAX_KEY_BYTES + 1), None);
    }
}

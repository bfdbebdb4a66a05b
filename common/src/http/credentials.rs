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

const BEARER: &str = "bearer ";

/// The first key that the request presents in `sources`.
pub fn presented<'a>(headers: &'a HeaderMap, sources: &[KeySource]) -> Option<&'a str> {
    sources.iter().find_map(|source| {
        let key = match source {
            KeySource::Header(name) => headers.get(*name)?.to_str().ok()?,
            KeySource::Bearer => bearer(headers.get(AUTHORIZATION)?.to_str().ok()?)?,
        };
        Some(key.trim()).filter(|key| !key.is_empty())
    })
}

/// Whether a Bearer is sent at all, be it good, bad or empty: where a key is optional, a bad one is none the less wrong.
pub fn sends_bearer(headers: &HeaderMap) -> bool {
    let scheme = BEARER.trim_end();
    let value = headers.get(AUTHORIZATION).map(HeaderValue::as_bytes);
    value
        .and_then(|value| value.get(..scheme.len()))
        .is_some_and(|sent| sent.eq_ignore_ascii_case(scheme.as_bytes()))
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
        assert_eq!(found(&[("authorization", "bearer k")], NATIVE_KEYS), some("k"));
        assert_eq!(found(&[("authorization", "Basic k")], NATIVE_KEYS), None);
        assert_eq!(found(&[("authorization", "Be")], NATIVE_KEYS), None);
    }
}

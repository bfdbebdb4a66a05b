//! A client's `Idempotency-Key`, and when two requests under one key are the same.

use serde::{Deserialize, Serialize};

/// Before the hash of a request's meaning. The version before wrote the plain hash of its bytes: 64 digits.
const OF_MEANING: &str = "02";
/// Hex digits of a SHA-256.
const DIGITS: usize = 64;

/// A client's `Idempotency-Key`, unique in its organisation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Idempotency {
    pub key: String,
    /// What the request means and, but where a secret is in it, its bytes, hashed: hex. The same key with another request is
    /// refused.
    pub hash: String,
    /// The hash of the bytes of a request with a secret in it: compared with what the version before has stored, and neither
    /// stored nor sent, because the secret could be guessed by it.
    #[serde(skip)]
    pub secret_bytes: Option<String>,
}

impl Idempotency {
    /// `meaning` and `bytes` are hex SHA-256.
    pub fn new(key: String, meaning: &str, bytes: String, has_secret: bool) -> Self {
        let (stored, secret_bytes) = if has_secret {
            (String::new(), Some(bytes))
        } else {
            (bytes, None)
        };
        Self {
            key,
            hash: format!("{OF_MEANING}{meaning}{stored}"),
            secret_bytes,
        }
    }

    /// A request that is known by one hash, which the version before wrote alike.
    pub fn plain(key: String, hash: String) -> Self {
        Self {
            key,
            hash,
            secret_bytes: None,
        }
    }

    /// The same with another hash in place of each.
    #[must_use]
    pub fn rehashed(self, rehash: impl Fn(&str) -> String) -> Self {
        let (meaning, bytes) = parts(&self.hash);
        let prefix = meaning.map_or(String::new(), |meaning| {
            format!("{OF_MEANING}{}", rehash(meaning))
        });
        Self {
            hash: prefix + &bytes.map_or(String::new(), &rehash),
            secret_bytes: self.secret_bytes.as_deref().map(rehash),
            key: self.key,
        }
    }

    /// Whether this is the request that `stored` was made of. Where either side knows the bytes alone (it was written by the
    /// version before) these decide.
    pub fn repeats(&self, stored: &str) -> bool {
        let (meaning, bytes) = parts(&self.hash);
        let (stored_meaning, stored_bytes) = parts(stored);
        if let (Some(meaning), Some(stored)) = (meaning, stored_meaning) {
            return meaning == stored;
        }
        let bytes = bytes.or(self.secret_bytes.as_deref());
        bytes.is_some() && bytes == stored_bytes
    }
}

/// The hashes of meaning and bytes.
fn parts(hash: &str) -> (Option<&str>, Option<&str>) {
    let of_meaning = hash
        .strip_prefix(OF_MEANING)
        .filter(|rest| [DIGITS, 2 * DIGITS].contains(&rest.len()))
        .and_then(|rest| rest.split_at_checked(DIGITS));
    match of_meaning {
        Some((meaning, bytes)) => (Some(meaning), Some(bytes).filter(|bytes| !bytes.is_empty())),
        None => (None, Some(hash)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(digit: char) -> String {
        digit.to_string().repeat(DIGITS)
    }

    fn sent(meaning: char, bytes: char, has_secret: bool) -> Idempotency {
        Idempotency::new("k".into(), &hash(meaning), hash(bytes), has_secret)
    }

    #[test]
    fn requests_are_compared_by_what_they_mean() {
        let first = sent('a', 'b', false);
        assert!(sent('a', 'c', false).repeats(&first.hash), "other bytes");
        assert!(
            !sent('d', 'b', false).repeats(&first.hash),
            "bytes do not count where the meaning is known"
        );
        let secret = sent('a', 'b', true);
        assert!(secret.repeats(&secret.hash) && !sent('c', 'b', true).repeats(&secret.hash));
    }

    /// Right after an update, and while both versions accept requests.
    #[test]
    fn what_the_version_before_has_stored_is_compared_as_it_did() {
        let before = Idempotency::plain("k".into(), hash('b'));
        for has_secret in [false, true] {
            let now = sent('a', 'b', has_secret);
            assert!(now.repeats(&before.hash));
            assert!(!sent('a', 'c', has_secret).repeats(&before.hash));
        }
        assert!(before.repeats(&sent('a', 'b', false).hash));
        assert!(!before.repeats(&sent('a', 'c', false).hash));
        assert!(before.repeats(&before.hash));
        // A hash that happens to begin like the others is told by its length.
        let odd = format!("02{}", "a".repeat(DIGITS - 2));
        assert!(Idempotency::plain("k".into(), odd.clone()).repeats(&odd));
    }

    #[test]
    fn the_bytes_of_a_secret_are_neither_stored_nor_sent() {
        let secret = sent('a', 'b', true);
        assert!(!secret.hash.contains('b'));
        assert!(!serde_json::to_string(&secret).unwrap().contains("bb"));
    }

    #[test]
    fn each_hash_is_made_anew() {
        let upper = |hash: &str| hash.to_uppercase();
        assert_eq!(sent('a', 'b', false).rehashed(upper), sent('A', 'B', false));
        assert_eq!(sent('a', 'b', true).rehashed(upper), sent('A', 'B', true));
        let plain = |digit| Idempotency::plain("k".into(), hash(digit));
        assert_eq!(plain('a').rehashed(upper), plain('A'));
    }
}

//! What a request means, as a hash: of its method, its path and the fields of query and body, in whatever order, spacing or
//! spelling they were sent. Two requests under one `Idempotency-Key` are the same when these are.
//!
//! A number is its value and its text (`1`, `1.0` and `"1"` are one, `"1.0"` is another), so that a form and a JSON body with
//! the same fields are the same. Null and absence differ: a change may mean them so. Secrets are left out.

use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::number;

/// Fields that are left out: a hash at rest must not let anybody guess them.
const SECRETS: [&str; 2] = ["password", "secret"];

/// The parts of a request that make it the same request.
pub(super) struct Fingerprint<'a> {
    pub method: &'a str,
    /// Normalised, so that it is the same request with a last slash and without, or with a doubled first one. Stored hashes
    /// were made of the path without its last slash, too: a retry across an update is still a retry.
    pub path: &'a str,
    pub query: &'a str,
    pub body: &'a [u8],
}

/// What the query and the body say; `None`: it cannot be read, and its bytes count.
pub(super) struct Said {
    pub query: Option<Value>,
    pub body: Option<Value>,
}

impl Said {
    pub fn has_secret(&self) -> bool {
        let holds = |part: &Option<Value>| {
            let fields = part.as_ref().and_then(Value::as_object);
            fields.is_some_and(|fields| SECRETS.iter().any(|name| fields.contains_key(*name)))
        };
        holds(&self.query) || holds(&self.body)
    }
}

impl Fingerprint<'_> {
    /// Hex.
    pub fn of_bytes(&self) -> String {
        let mut hash = Sha256::new();
        for part in [
            self.method.as_bytes(),
            self.path.as_bytes(),
            self.query.as_bytes(),
            self.body,
        ] {
            add_bytes(&mut hash, part);
        }
        hex::encode(hash.finalize())
    }

    /// Hex.
    pub fn of_meaning(&self, said: Said) -> String {
        let mut hash = Sha256::new();
        add_bytes(&mut hash, self.method.as_bytes());
        for segment in self.path.split('/') {
            let segment: Vec<u8> = percent_decode_str(segment).collect();
            add_bytes(&mut hash, &segment);
        }
        add_part(&mut hash, said.query, self.query.as_bytes());
        add_part(&mut hash, said.body, self.body);
        hex::encode(hash.finalize())
    }
}

/// What one line of a batch means: hex.
pub fn of_fields(fields: &Map<String, Value>) -> String {
    let mut hash = Sha256::new();
    add_object(&mut hash, fields);
    hex::encode(hash.finalize())
}

/// A query or a body. No fields, an empty list and nothing at all are one.
fn add_part(hash: &mut Sha256, said: Option<Value>, sent: &[u8]) {
    match said {
        None => {
            hash.update(b"?");
            add_bytes(hash, sent);
        }
        Some(Value::Object(mut fields)) => {
            for secret in SECRETS {
                fields.remove(secret);
            }
            add_object(hash, &fields);
        }
        Some(Value::Array(list)) if list.is_empty() => add_object(hash, &Map::new()),
        Some(other) => add(hash, &other),
    }
}

/// Each kind of value with a sign of its own, and lengths first, or values could be cut elsewhere.
fn add(hash: &mut Sha256, value: &Value) {
    match value {
        Value::Null => hash.update(b"n"),
        Value::Bool(value) => add_text(hash, if *value { "true" } else { "false" }),
        Value::Number(number) => add_text(hash, &plain(number.as_str())),
        Value::String(text) => add_text(hash, text),
        Value::Array(list) => {
            hash.update(b"l");
            hash.update(list.len().to_be_bytes());
            for value in list {
                add(hash, value);
            }
        }
        Value::Object(fields) => add_object(hash, fields),
    }
}

fn add_object(hash: &mut Sha256, fields: &Map<String, Value>) {
    let mut sorted: Vec<_> = fields.iter().collect();
    sorted.sort_unstable_by_key(|(name, _)| *name);
    hash.update(b"o");
    hash.update(sorted.len().to_be_bytes());
    for (name, value) in sorted {
        add_bytes(hash, name.as_bytes());
        add(hash, value);
    }
}

fn add_text(hash: &mut Sha256, text: &str) {
    hash.update(b"t");
    add_bytes(hash, text.as_bytes());
}

fn add_bytes(hash: &mut Sha256, bytes: &[u8]) {
    hash.update(bytes.len().to_be_bytes());
    hash.update(bytes);
}

/// `1.00` and `1e0` as 1. What is beyond a decimal's digits stays as it was sent.
fn plain(number: &str) -> String {
    match number::decimal(number) {
        Ok(value) if value.is_zero() => "0".to_owned(),
        Ok(value) => value.normalize().to_string(),
        Err(_) => number.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const REQUEST: Fingerprint<'_> = Fingerprint {
        method: "POST",
        path: "/a",
        query: "",
        body: b"bc",
    };

    fn said(body: Value) -> Said {
        Said {
            query: Some(json!({})),
            body: Some(body),
        }
    }

    fn meaning(body: Value) -> String {
        REQUEST.of_meaning(said(body))
    }

    #[test]
    fn bytes_are_hashed_as_the_version_before_did() {
        let first = REQUEST.of_bytes();
        assert_eq!(first.len(), 64);
        for other in [
            Fingerprint {
                path: "/b",
                ..REQUEST
            },
            Fingerprint {
                method: "GET",
                ..REQUEST
            },
            Fingerprint {
                query: "b",
                body: b"c",
                ..REQUEST
            },
            Fingerprint {
                body: b"bd",
                ..REQUEST
            },
        ] {
            assert_ne!(first, other.of_bytes());
        }
    }

    #[test]
    fn values_are_compared_and_not_their_spelling() {
        let read = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        let first = meaning(read(r#"{"a":1,"b":{"c":"x","d":[1.50,null]}}"#));
        for same in [
            r#"{"b": {"d": [1.5, null], "c": "x"}, "a": 1.00}"#,
            r#"{"b":{"d":[15e-1,null],"c":"x"},"a":"1"}"#,
            r#"{"b":{"d":["1.5",null],"c":"\u0078"},"a":1e0}"#,
            r#"{"a":1,"b":{"c":"x","d":[1.50,null]},"password":"one"}"#,
        ] {
            assert_eq!(meaning(read(same)), first, "{same}");
        }
        for other in [
            r#"{"a":2,"b":{"c":"x","d":[1.50,null]}}"#,
            r#"{"a":"1.0","b":{"c":"x","d":[1.50,null]}}"#,
            r#"{"a":1,"b":{"c":"x","d":[null,1.50]}}"#,
            r#"{"a":1,"b":{"c":"x","d":[1.50]}}"#,
            r#"{"a":1,"b":{"c":"x","d":[1.50,null],"password":"one"}}"#,
            r#"{"a":1,"b":{"c":"x","d":[1.50,null]},"e":null}"#,
        ] {
            assert_ne!(meaning(read(other)), first, "{other}");
        }
    }

    #[test]
    fn numbers_of_any_size_have_one_form() {
        for (number, want) in [
            ("-0", "0"),
            ("0.00", "0"),
            ("-1.50", "-1.5"),
            ("1e3", "1000"),
            ("1E-3", "0.001"),
            ("1e400", "1e400"),
            (
                "123456789012345678901234567890123",
                "123456789012345678901234567890123",
            ),
        ] {
            assert_eq!(plain(number), want, "{number}");
        }
    }

    #[test]
    fn nothing_is_nothing_and_the_path_is_decoded() {
        assert_eq!(meaning(json!([])), meaning(json!({})));
        assert_ne!(meaning(json!([{}])), meaning(json!({})));
        let at = |path| Fingerprint { path, ..REQUEST }.of_meaning(said(json!({})));
        assert_eq!(at("/c/cu_x"), at("/c/cu%5Fx"));
        assert_ne!(at("/c/cu_x"), at("/c/cu_y"));
        assert_ne!(at("/c/a/b"), at("/c/a%2Fb"));
    }

    #[test]
    fn what_cannot_be_read_is_its_bytes() {
        let unread = |body: &[u8]| {
            let request = Fingerprint { body, ..REQUEST };
            request.of_meaning(Said {
                query: Some(json!({})),
                body: None,
            })
        };
        assert_eq!(unread(b"\xff1"), unread(b"\xff1"));
        assert_ne!(unread(b"\xff1"), unread(b"\xff2"));
    }

    #[test]
    fn secrets_are_seen() {
        assert!(said(json!({"password": "x"})).has_secret());
        assert!(!said(json!({"meta_data": {"password": "x"}})).has_secret());
    }
}

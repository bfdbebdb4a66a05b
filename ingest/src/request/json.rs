//! A JSON body: an object, not deep, no field twice.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde_json::{Map, Value};

use super::Invalid;

/// Objects and arrays within each other, at most.
pub const MAX_DEPTH: usize = 32;

/// Whether `text` means to be JSON: no form begins like this.
pub(super) fn looks_like_json(text: &str) -> bool {
    text.trim_start().starts_with(['{', '[', '"'])
}

/// The fields of a JSON object.
///
/// # Errors
/// When `text` is no JSON object within the limits.
pub fn parse(text: &str) -> Result<Map<String, Value>, Invalid> {
    check_depth(text)?;
    if !text.trim_start().starts_with('{') {
        return Err(Invalid::new("the request body must be a JSON object"));
    }
    serde_json::from_str::<Unique>(text)
        .map(|unique| unique.0)
        .map_err(|error| Invalid::new(format!("malformed JSON: {error}")))
}

/// # Errors
/// When `text` is no list of JSON objects within the limits.
pub(super) fn parse_list(text: &str) -> Result<Vec<Map<String, Value>>, Invalid> {
    check_depth(text)?;
    serde_json::from_str::<Vec<Unique>>(text)
        .map(|list| list.into_iter().map(|unique| unique.0).collect())
        .map_err(|error| Invalid::new(format!("malformed JSON: {error}")))
}

fn check_depth(text: &str) -> Result<(), Invalid> {
    if depth(text.as_bytes()) > MAX_DEPTH {
        return Err(Invalid::new(format!(
            "the JSON is nested deeper than {MAX_DEPTH}"
        )));
    }
    Ok(())
}

/// The deepest nesting, told without building anything: the check must cost less than the harm.
fn depth(json: &[u8]) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let (mut in_text, mut escaped) = (false, false);
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b'{' | b'[' if !in_text => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// An object whose fields all differ: of two, neither could be trusted.
struct Unique(Map<String, Value>);

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(UniqueVisitor)
    }
}

struct UniqueVisitor;

impl<'de> Visitor<'de> for UniqueVisitor {
    type Value = Unique;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Unique, A::Error> {
        let mut values = Map::new();
        while let Some((name, value)) = object.next_entry::<String, Value>()? {
            if values.contains_key(&name) {
                return Err(A::Error::custom(format_args!("{name} is sent twice")));
            }
            values.insert(name, value);
        }
        Ok(Unique(values))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_is_limited_before_parsing_and_brackets_in_texts_do_not_count() {
        let nested = |depth: usize| format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth));
        assert!(parse(&nested(MAX_DEPTH)).is_ok());
        let error = parse(&nested(MAX_DEPTH + 1)).unwrap_err();
        assert_eq!(error.0, "the JSON is nested deeper than 32");
        assert!(parse(&format!(r#"{{"a":"\"{}"}}"#, "[".repeat(100))).is_ok());
    }

    #[test]
    fn what_is_no_object_is_refused() {
        for text in [
            "{",
            "[]",
            "\"x\"",
            "{} {}",
            "{\"a\":1,}",
            "{\"a\":\u{1}}",
            "{'a':1}",
        ] {
            assert!(looks_like_json(text) && parse(text).is_err(), "{text}");
        }
        assert!(!looks_like_json("a=1") && !looks_like_json("null"));
        let error = parse(r#"{"a":1,"b":2,"a":1}"#).unwrap_err();
        assert!(error.0.contains("a is sent twice"), "{error}");
    }
}

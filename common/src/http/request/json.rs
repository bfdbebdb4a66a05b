//! A JSON body: an object, not deep. Fields that come twice, however deep, are noted.

use std::fmt;

use serde::de::{
    Deserialize, DeserializeOwned, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor,
};
use serde_json::{Map, Number, Value};

use super::{
    Invalid,
    names::check_name,
    repair::repaired,
    value::{Clashes, Sent, same},
};

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
pub fn parse(text: &str) -> Result<Sent, Invalid> {
    check(text)?;
    if !text.trim_start().starts_with('{') {
        return Err(Invalid::new("the request body must be a JSON object"));
    }
    read(text)
}

/// # Errors
/// When `text` is no list of JSON objects within the limits.
pub(super) fn parse_list(text: &str) -> Result<Vec<Sent>, Invalid> {
    check(text)?;
    read(text)
}

/// What cannot be read is mended, if that helps; else what was wrong is told of what was sent.
fn read<T: DeserializeOwned>(text: &str) -> Result<T, Invalid> {
    serde_json::from_str(text).or_else(|error| {
        serde_json::from_str(&repaired(text))
            .map_err(|_as_before| Invalid::new(format!("malformed JSON: {error}")))
    })
}

/// # Errors
/// When `text` is no JSON within the limits.
pub(super) fn parse_any(text: &str) -> Result<Value, Invalid> {
    check(text)?;
    read(text)
}

/// What would harm the reader, or be misread by it.
fn check(text: &str) -> Result<(), Invalid> {
    if depth(text.as_bytes()) > MAX_DEPTH {
        return Err(Invalid::new(format!(
            "the JSON is nested deeper than {MAX_DEPTH}"
        )));
    }
    if may_have_reserved_name(text) {
        names(text).try_for_each(|name| check_name(&name))?;
    }
    Ok(())
}

/// Whether it is worth looking at the names: one is reserved as it stands, or signs of ASCII are escaped, which nobody needs.
fn may_have_reserved_name(text: &str) -> bool {
    let mut escapes = text.match_indices("\\u00");
    let is_ascii = |(at, escape): (usize, &str)| {
        let next = text.as_bytes().get(at + escape.len());
        next.is_some_and(|next| (b'2'..=b'7').contains(next))
    };
    text.contains("$serde_json") || escapes.any(is_ascii)
}

/// The names of all objects, however deep: the texts before a colon.
fn names(text: &str) -> impl Iterator<Item = String> {
    let mut rest = text;
    std::iter::from_fn(move || {
        loop {
            let (_, quoted) = rest.split_once('"')?;
            let mut is_escaped = false;
            let end = quoted.bytes().position(|byte| {
                let is_end = byte == b'"' && !is_escaped;
                is_escaped = byte == b'\\' && !is_escaped;
                is_end
            })?;
            let (name, behind) = quoted.split_at_checked(end)?;
            rest = behind.get(1..)?;
            if rest.trim_start().starts_with(':') {
                // What cannot be read is none of the reserved ones.
                return Some(serde_json::from_str(&format!("\"{name}\"")).unwrap_or_default());
            }
        }
    })
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

impl<'de> Deserialize<'de> for Sent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (mut path, mut clashes) = (Vec::new(), Clashes::new());
        let reader = Reader {
            path: &mut path,
            clashes: &mut clashes,
        };
        match reader.deserialize(deserializer)? {
            Value::Object(values) => Ok(Self {
                values,
                clashes,
                ..Self::default()
            }),
            _ => Err(D::Error::custom("a JSON object is expected")),
        }
    }
}

/// The name by which the JSON library hands over a number that is no whole one of 64 bits, with all its digits.
const NUMBER: &str = "$serde_json::private::Number";

/// Reads any JSON, keeps the first of two values, and notes where there are two that differ.
struct Reader<'a> {
    /// The objects around, by their names.
    path: &'a mut Vec<String>,
    clashes: &'a mut Clashes,
}

impl Reader<'_> {
    fn inner(&mut self) -> Reader<'_> {
        Reader {
            path: self.path,
            clashes: self.clashes,
        }
    }
}

impl<'de> DeserializeSeed<'de> for Reader<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reader<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(text.into())
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(text.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = list.next_element_seed(self.inner())? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut object: A) -> Result<Value, A::Error> {
        let mut values = Map::new();
        while let Some(name) = object.next_key::<String>()? {
            if name == NUMBER && values.is_empty() {
                let digits: String = object.next_value()?;
                return digits
                    .parse::<Number>()
                    .map(Value::Number)
                    .map_err(A::Error::custom);
            }
            self.path.push(name);
            let value = object.next_value_seed(self.inner())?;
            let first = self.path.last().and_then(|name| values.get(name));
            if first.is_some_and(|first| !same(first, &value)) {
                self.clashes.insert(self.path.clone());
            }
            if let Some(name) = self.path.pop() {
                values.entry(name).or_insert(value);
            }
        }
        Ok(Value::Object(values))
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
            "{\"a\":1,,}",
            "{\"a\":\u{1}}",
            "{'a':1}",
        ] {
            assert!(looks_like_json(text) && parse(text).is_err(), "{text}");
        }
        assert!(!looks_like_json("a=1") && !looks_like_json("null"));
    }

    /// The library marks its own values with them: what a caller so marks would be read as a number, or as JSON within a text.
    #[test]
    fn names_that_the_library_has_for_itself_are_refused_however_they_are_written() {
        for name in [
            "$serde_json::private::Number",
            "$serde_json::private::RawValue",
            "\\u0024serde_json::private::Number",
            "$serde_json:\\u003aprivate::\\u004eumber",
        ] {
            for text in [
                format!(r#"{{"{name}":"1"}}"#),
                format!(r#"{{"amount":{{"{name}" : "1e400"}}}}"#),
                format!(r#"{{"a":"\"","b":[{{"c":1}},{{"{name}"	:"{{}}"}}]}}"#),
                // Mended before it is read.
                format!(r#"{{"a":NaN,"b":{{"{name}":"1"}},}}"#),
            ] {
                assert_eq!(
                    parse(&text).unwrap_err().0,
                    "a field's name is reserved",
                    "{text}"
                );
                assert!(parse_list(&format!("[{text}]")).is_err() && parse_any(&text).is_err());
            }
        }
        for text in [
            r#"{"notes":"$serde_json::private::Number","a":"$serde_json::private::Number :"}"#,
            r#"{"a":"caf\u00e9","\u0061mount":1.5}"#,
        ] {
            let sent = parse(text).unwrap();
            assert_eq!(
                Value::Object(sent.values),
                serde_json::from_str::<Value>(text).unwrap()
            );
        }
    }

    #[test]
    fn values_are_what_the_library_reads() {
        let text = r#"{"a":[null,true,false,"x\n",-7,-0,0,-1.50,1e3,18446744073709551615,12345678901234567890123,{}],"b":{"c":[[{"d":0}]]}}"#;
        let sent = parse(text).unwrap();
        assert_eq!(
            Value::Object(sent.values),
            serde_json::from_str::<Value>(text).unwrap()
        );
        assert!(sent.clashes.is_empty());
    }

    #[test]
    fn fields_sent_twice_are_noted_however_deep() {
        let sent = parse(r#"{"a":1,"b":{"c":[{"d":1,"d":2}]},"a":2,"e":1,"e":1,"f":{"g":1},"f":{"g":2}}"#);
        let sent = sent.unwrap();
        let noted: Vec<_> = sent.clashes.iter().map(|path| path.join(".")).collect();
        assert_eq!(noted, ["a", "b.c.d", "f"]);
        assert_eq!(sent.values["a"], 1);
    }
}

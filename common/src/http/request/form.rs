//! Queries and forms, with PHP's brackets: `meta_data[k]=v` is a field `k` of the object `meta_data`.

use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, map::Entry};

use super::{
    Invalid, MAX_DEPTH,
    value::{Sent, same},
};

/// Parameters of one query or form, at most.
pub const MAX_PARAMETERS: usize = 1_000;

/// # Errors
/// When a parameter is not UTF-8, or there are too many.
pub(super) fn parse(text: &str) -> Result<Sent, Invalid> {
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    let decoded = pairs.map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        Ok((decode(name)?, decode(value)?))
    });
    insert_all(decoded)
}

/// The fields of names, with brackets or without, and their values.
///
/// # Errors
/// When there are too many.
pub fn named_values(pairs: impl Iterator<Item = (String, String)>) -> Result<Sent, Invalid> {
    insert_all(pairs.map(Ok))
}

fn insert_all(pairs: impl Iterator<Item = Result<(String, String), Invalid>>) -> Result<Sent, Invalid> {
    let mut sent = Sent::default();
    for (count, pair) in pairs.enumerate() {
        if count >= MAX_PARAMETERS {
            return Err(Invalid::new(format!(
                "there are more than {MAX_PARAMETERS} parameters"
            )));
        }
        let (name, value) = pair?;
        let path = path(&name);
        if path.len() > MAX_DEPTH {
            return Err(Invalid::new(format!(
                "a parameter is nested deeper than {MAX_DEPTH}"
            )));
        }
        if !insert(&mut sent.values, &path, value) {
            let path = path.into_iter().map(str::to_owned);
            sent.clashes.insert(path.collect());
        }
    }
    Ok(sent)
}

fn decode(text: &str) -> Result<String, Invalid> {
    let spaced = text.replace('+', " ");
    percent_decode_str(&spaced)
        .decode_utf8()
        .map(std::borrow::Cow::into_owned)
        .map_err(|_not_utf8| Invalid::new("a parameter is not UTF-8"))
}

/// `a[b][c]` is a, b, c. What only resembles brackets is part of a plain name.
fn path(name: &str) -> Vec<&str> {
    let nested = name
        .split_once('[')
        .filter(|(head, _)| !head.is_empty())
        .and_then(|(head, rest)| Some((head, rest.strip_suffix(']')?)));
    match nested {
        Some((head, rest)) => std::iter::once(head).chain(rest.split("][")).collect(),
        None => vec![name],
    }
}

/// `false` when the place is taken by something else.
fn insert(values: &mut Map<String, Value>, path: &[&str], value: String) -> bool {
    match path {
        [] => false,
        [name] => match values.entry(*name) {
            Entry::Vacant(place) => {
                place.insert(Value::String(value));
                true
            }
            Entry::Occupied(first) => same(first.get(), &Value::String(value)),
        },
        // `a[]=1&a[]=2` is a list.
        [name, ""] => match values.entry(*name).or_insert_with(|| Value::Array(Vec::new())) {
            Value::Array(list) => {
                list.push(Value::String(value));
                true
            }
            _ => false,
        },
        [name, rest @ ..] => match values.entry(*name).or_insert_with(|| Value::Object(Map::new())) {
            Value::Object(inner) => insert(inner, rest, value),
            _ => false,
        },
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn brackets_nest_as_php_reads_them() {
        for (text, want) in [
            ("", json!({})),
            ("a=1&&b", json!({"a": "1", "b": ""})),
            ("a=x+y%2B%5b%C3%A9", json!({"a": "x y+[é"})),
            ("m[a]=1&m[b]=2", json!({"m": {"a": "1", "b": "2"}})),
            ("m%5Ba%5D=1", json!({"m": {"a": "1"}})),
            ("m[a][b]=1", json!({"m": {"a": {"b": "1"}}})),
            ("l[]=1&l[]=2", json!({"l": ["1", "2"]})),
            ("m[a=1&[b]=2", json!({"m[a": "1", "[b]": "2"})),
        ] {
            assert_eq!(Value::Object(parse(text).unwrap().values), want, "{text}");
        }
    }

    #[test]
    fn what_is_sent_twice_is_noted() {
        for (text, want) in [
            ("a=1&a=1", ""),
            ("a=1&a=2&a=3", "a"),
            ("m[a]=1&m%5Ba%5D=2", "m.a"),
            ("m=1&m[a]=1", "m.a"),
            ("m[a]=1&m=1", "m"),
            ("l[]=1&l[a]=1", "l.a"),
        ] {
            let clashes = parse(text).unwrap().clashes;
            let noted: Vec<_> = clashes.iter().map(|path| path.join(".")).collect();
            assert_eq!(noted.join(","), want, "{text}");
        }
        assert_eq!(parse("a=%FF").unwrap_err().0, "a parameter is not UTF-8");
    }

    #[test]
    fn parameters_and_brackets_are_limited() {
        let many = |count: usize| {
            (0..count)
                .map(|at| format!("p{at}=1"))
                .collect::<Vec<_>>()
                .join("&")
        };
        assert!(parse(&many(MAX_PARAMETERS)).is_ok());
        assert!(parse(&many(MAX_PARAMETERS + 1)).is_err());
        let deep = |count: usize| format!("a{}=1", "[b]".repeat(count));
        assert!(parse(&deep(MAX_DEPTH - 1)).is_ok());
        assert!(parse(&deep(MAX_DEPTH)).is_err());
    }

    proptest! {
        #[test]
        fn parsing_never_panics(text in "[a-c\\[\\]=&%+0-9é]{0,40}") {
            drop(parse(&text));
        }
    }
}

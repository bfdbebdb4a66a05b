//! Queries and forms, with PHP's brackets: `meta_data[k]=v` is a field `k` of the object `meta_data`.

use encoding_rs::Encoding;
use serde_json::{Map, Value, map::Entry};

use super::{
    Invalid, MAX_DEPTH,
    charset::percent_decoded,
    separators,
    value::{Sent, same},
};

/// Parameters of one query or form, at most.
pub const MAX_PARAMETERS: usize = 1_000;

/// Whether `text` may be a form: the name of its first parameter has nothing of markup, comments or prose.
pub(super) fn looks_like_form(text: &str) -> bool {
    let name = text.split(['=', '&']).next().unwrap_or_default();
    !name.contains(['<', '{', '}', '"', '\n', '(', ')', '*', ' '])
}

/// The parameters of a query or a form, of which bytes that are escaped are of the character set `declared`.
///
/// # Errors
/// When there are too many, or one is glued to an id.
pub(super) fn parse(text: &str, declared: &'static Encoding) -> Result<Sent, Invalid> {
    let mut sent = Sent::default();
    let mut count = 0;
    for pair in text.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (name, value) = (percent_decoded(name, declared), percent_decoded(value, declared));
        if value.is_empty() && separators::is_escaped_whole(&name) {
            // The whole of it was escaped once too often.
            for pair in name.split('&') {
                let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                insert_checked(&mut sent, &mut count, name, value.to_owned())?;
            }
            continue;
        }
        let name = separators::unescaped(&name);
        let value = separators::escaped_once(value);
        let (own, glued) = separators::unglued(name, &value)?;
        let glued = glued
            .into_iter()
            .map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        for (name, value) in glued {
            insert_checked(&mut sent, &mut count, name, value.to_owned())?;
        }
        let own = if own.len() == value.len() {
            value
        } else {
            own.to_owned()
        };
        insert_checked(&mut sent, &mut count, name, own)?;
    }
    Ok(sent)
}

/// The fields of names, with brackets or without, and their values.
///
/// # Errors
/// When there are too many.
pub fn named_values(pairs: impl Iterator<Item = (String, String)>) -> Result<Sent, Invalid> {
    let (mut sent, mut count) = (Sent::default(), 0);
    for (name, value) in pairs {
        insert_checked(&mut sent, &mut count, &name, value)?;
    }
    Ok(sent)
}

fn insert_checked(sent: &mut Sent, count: &mut usize, name: &str, value: String) -> Result<(), Invalid> {
    *count += 1;
    if *count > MAX_PARAMETERS {
        return Err(Invalid::new(format!(
            "there are more than {MAX_PARAMETERS} parameters"
        )));
    }
    let path = path(name);
    if path.len() > MAX_DEPTH {
        return Err(Invalid::new(format!(
            "a parameter is nested deeper than {MAX_DEPTH}"
        )));
    }
    if value.is_empty() {
        sent.unsaid.insert(name.to_owned());
    }
    if !insert(&mut sent.values, &path, value) {
        let path = path.into_iter().map(str::to_owned);
        sent.clashes.insert(path.collect());
    }
    Ok(())
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

    use encoding_rs::UTF_8;

    use super::*;

    fn parse(text: &str) -> Result<Sent, Invalid> {
        super::parse(text, UTF_8)
    }

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
            (
                "external_id=X&amp;amount=1",
                json!({"external_id": "X", "amount": "1"}),
            ),
            (
                "external_id=X&amp;amp;amount=1",
                json!({"external_id": "X", "amount": "1"}),
            ),
            (
                "??external_id=X?amount=1",
                json!({"external_id": "X", "amount": "1"}),
            ),
            (
                "external_id=X%26amount%3D1",
                json!({"external_id": "X", "amount": "1"}),
            ),
            (
                "external_id%3DX%26amount%3D1",
                json!({"external_id": "X", "amount": "1"}),
            ),
            (
                "external_id=X;amount=1;meta_data[a]=b",
                json!({"external_id": "X", "amount": "1", "meta_data": {"a": "b"}}),
            ),
            (
                "external_id=X%2526amount%253D1",
                json!({"external_id": "X", "amount": "1"}),
            ),
            (
                "external_id=X%5Cu0026amount=1",
                json!({"external_id": "X", "amount": "1"}),
            ),
            ("amp;meta_data[a]=b%3Bc", json!({"meta_data": {"a": "b;c"}})),
            (
                "page=https%3A%2F%2Fa.example%2F%3Famount%3D1",
                json!({"page": "https://a.example/?amount=1"}),
            ),
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
        assert_eq!(
            parse("a=%FF&b=1").unwrap().values["a"],
            "\u{fffd}",
            "a matter of whoever reads it"
        );
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

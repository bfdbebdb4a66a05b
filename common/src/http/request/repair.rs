//! JSON as careless programs write it, made JSON: `NaN` and `undefined` become texts, which no number and no id is; commas before
//! an end go; half a character of UTF-16, which `JSON.stringify` writes of a text that was cut, becomes U+FFFD; line breaks
//! within a text are escaped. Only what would be refused otherwise comes here.

/// Words that are no JSON, with what they become.
const WORDS: [(&str, &str); 8] = [
    ("-Infinity", "\"-Infinity\""),
    ("Infinity", "\"Infinity\""),
    ("NaN", "\"NaN\""),
    ("undefined", "\"undefined\""),
    ("None", "null"),
    ("True", "true"),
    ("False", "false"),
    ("nan", "\"NaN\""),
];

/// `text` with what can be mended mended.
pub(super) fn repaired(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 64);
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if c == '"' {
            rest = copy_text(rest, &mut out);
            continue;
        }
        let word = WORDS.iter().find(|(word, _)| is_word_at(rest, word, &out));
        if let Some((word, instead)) = word {
            out.push_str(instead);
            rest = rest.get(word.len()..).unwrap_or_default();
            continue;
        }
        rest = rest.get(c.len_utf8()..).unwrap_or_default();
        let is_last_comma = c == ',' && rest.trim_start().starts_with(['}', ']']);
        if !is_last_comma {
            out.push(c);
        }
    }
    out
}

/// Whether `word` begins here and ends with its last letter, as a value does.
fn is_word_at(rest: &str, word: &str, before: &str) -> bool {
    let is_end = |c: char| c.is_whitespace() || matches!(c, ',' | '}' | ']');
    rest.strip_prefix(word)
        .is_some_and(|behind| behind.chars().next().is_none_or(is_end))
        && before.trim_end().ends_with([':', ',', '['])
}

/// Copies the text in quotes that `rest` begins with. Returns what is behind it.
fn copy_text<'a>(rest: &'a str, out: &mut String) -> &'a str {
    out.push('"');
    let mut at = 1;
    while let Some(c) = rest.get(at..).and_then(|rest| rest.chars().next()) {
        match c {
            '"' => {
                out.push('"');
                return rest.get(at + 1..).unwrap_or_default();
            }
            '\\' => at += copy_escape(rest.get(at..).unwrap_or_default(), out),
            c if c < ' ' => {
                let escaped = format!("\\u{:04x}", u32::from(c));
                out.push_str(&escaped);
                at += 1;
            }
            c => {
                out.push(c);
                at += c.len_utf8();
            }
        }
    }
    ""
}

/// Copies the escape that `rest` begins with. Returns its length.
fn copy_escape(rest: &str, out: &mut String) -> usize {
    const UNIT: usize = r"\u0000".len();
    let unit = |at: usize| {
        let digits = rest.get(at..at + UNIT)?.strip_prefix("\\u")?;
        u16::from_str_radix(digits, 16).ok()
    };
    let length = match (unit(0), unit(UNIT)) {
        (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => 2 * UNIT,
        (Some(0xd800..=0xdfff), _) => {
            out.push_str(r"\ufffd");
            return UNIT;
        }
        (Some(_), _) => UNIT,
        (None, _) => 1 + rest.chars().nth(1).map_or(0, char::len_utf8),
    };
    out.push_str(rest.get(..length).unwrap_or(rest));
    length
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    #[test]
    fn what_careless_programs_write_becomes_json() {
        for (text, want) in [
            (
                r#"{"a":NaN,"b":[1,2,],"c":-Infinity,}"#,
                r#"{"a":"NaN","b":[1,2],"c":"-Infinity"}"#,
            ),
            (
                r#"{"a": undefined , "b":None,"c":True}"#,
                r#"{"a":"undefined","b":null,"c":true}"#,
            ),
            (
                r#"{"a":"\ud83d","b":"\ude00x","c":"\ud83d\ude00"}"#,
                r#"{"a":"�","b":"�x","c":"😀"}"#,
            ),
            (
                "{\"a\":\"one\ntwo\",\"b\":\"NaN,}\"}",
                r#"{"a":"one\ntwo","b":"NaN,}"}"#,
            ),
            (r#"{"a":"\"\\","b":NaN}"#, r#"{"a":"\"\\","b":"NaN"}"#),
        ] {
            let read: Value =
                serde_json::from_str(&repaired(text)).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(read, serde_json::from_str::<Value>(want).unwrap(), "{text}");
        }
        for text in [
            "{",
            "{'a':1}",
            r#"{"a":NaNa}"#,
            r#"{"NaN"}"#,
            "{\"a",
            r#"{"a":"\"#,
            r#"{"a":"\ud8"}"#,
        ] {
            assert!(serde_json::from_str::<Value>(&repaired(text)).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn json_stays_as_it_is(text in "[a\"\\\\u\\[\\]{},:0dN é\n]{0,40}") {
            if let Ok(value) = serde_json::from_str::<Value>(&text) {
                prop_assert_eq!(serde_json::from_str::<Value>(&repaired(&text)).unwrap(), value);
            }
        }

        #[test]
        fn any_text_survives_being_written_and_mended(text in any::<String>()) {
            let json = Value::from(text).to_string();
            prop_assert_eq!(repaired(&json), json);
        }
    }
}

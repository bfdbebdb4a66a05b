//! What a request looked like, without what it said: the names that were sent, and of each value only its kind. The value of the
//! field that was wrong is shown, for it is what has to be mended; of what is personal only its form.

use serde_json::{Map, Value};

use crate::http::request::sent_values;

/// Names that a sample has, at most.
pub const MAX_SAMPLE_FIELDS: usize = 40;
/// Characters of a name, and of the value that is shown.
pub const MAX_SAMPLE_CHARS: usize = 100;

/// Parts of the names of fields whose values are nobody else's business.
const PERSONAL: [&str; 9] = [
    "mail",
    "name",
    "phone",
    "address",
    "city",
    "password",
    "secret",
    "token",
    "user_agent",
];

/// The fields of query and body, `wrong` among them.
pub(super) fn of(query: &str, body: &[u8], wrong: &str) -> Value {
    let sent = sent_values(query, body);
    let mut sample = Map::new();
    describe_all("", &sent, wrong, &mut sample);
    Value::Object(sample)
}

fn describe_all(prefix: &str, values: &Map<String, Value>, wrong: &str, sample: &mut Map<String, Value>) {
    for (name, value) in values {
        if sample.len() >= MAX_SAMPLE_FIELDS {
            return;
        }
        let path = format!("{prefix}{name}");
        match value {
            Value::Object(within) if !within.is_empty() => {
                describe_all(&format!("{path}."), within, wrong, sample);
            }
            _ => {
                let shown = if path == wrong {
                    shown(&path, value)
                } else {
                    kind(value)
                };
                sample.insert(cut(&path), Value::String(shown));
            }
        }
    }
}

fn kind(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(_) => "a boolean".to_owned(),
        Value::Number(_) => "a number".to_owned(),
        Value::String(text) if text.is_empty() => "empty".to_owned(),
        Value::String(text) => format!("text of {}", text.chars().count()),
        Value::Array(list) => format!("a list of {}", list.len()),
        Value::Object(_) => "an object".to_owned(),
    }
}

/// As JSON, so that a text is told from a number and no control character is raw.
fn shown(path: &str, value: &Value) -> String {
    let text = value.to_string();
    let name = path.to_ascii_lowercase();
    if PERSONAL.iter().any(|part| name.contains(part)) {
        cut(&text.chars().map(form).collect::<String>())
    } else {
        cut(&text)
    }
}

/// Letters and digits are not shown.
fn form(sign: char) -> char {
    match sign {
        _ if sign.is_alphabetic() => 'a',
        _ if sign.is_numeric() => '0',
        _ => sign,
    }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(MAX_SAMPLE_CHARS) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// A field without its place in a list: `commissions[3].amount` is `commissions.amount`, and `[7].amount` is `amount`.
pub(super) fn without_numbers(field: &str) -> String {
    let mut plain = String::new();
    let mut within = false;
    for sign in field.chars() {
        match sign {
            '[' => within = true,
            ']' => within = false,
            _ if within => {}
            _ => plain.push(sign),
        }
    }
    cut(plain.trim_start_matches('.'))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_the_wrong_value_is_shown() {
        let body =
            br#"{"amount": "1.234,50", "customer": {"email": "ada@example.com"}, "list": [1], "gone": null}"#;
        assert_eq!(
            of("external_id=77&coupon=", body, "amount"),
            json!({"external_id": "text of 2", "coupon": "empty", "amount": "\"1.234,50\"",
                "customer.email": "text of 15", "list": "a list of 1", "gone": "null"})
        );
    }

    #[test]
    fn personal_values_are_shown_in_their_form() {
        let body = br#"{"customer": {"email": "ada7 at example\u0000.com", "x": 1}}"#;
        let sample = of("", body, "customer.email");
        assert_eq!(sample["customer.email"], r#""aaa0 aa aaaaaaa\a0000.aaa""#);
        assert_eq!(
            of("", b"password=hunter2", "password")["password"],
            r#""aaaaaa0""#
        );
    }

    #[test]
    fn it_is_bounded() {
        let many: Vec<String> = (0..=MAX_SAMPLE_FIELDS)
            .map(|number| format!("f{number}=1"))
            .collect();
        assert_eq!(
            of(&many.join("&"), b"", "").as_object().unwrap().len(),
            MAX_SAMPLE_FIELDS
        );
        let long = format!("a={}", "x".repeat(MAX_SAMPLE_CHARS + 5));
        assert_eq!(
            of(&long, b"", "a")["a"].as_str().unwrap().chars().count(),
            MAX_SAMPLE_CHARS + 1
        );
        assert_eq!(of("", b"\xff\xfe", ""), json!({}));
    }

    #[test]
    fn places_in_lists_are_left_out() {
        for (field, want) in [
            ("amount", "amount"),
            ("[7].amount", "amount"),
            ("commissions[3].sub_amount", "commissions.sub_amount"),
            ("meta_data.x", "meta_data.x"),
        ] {
            assert_eq!(without_numbers(field), want);
        }
    }
}

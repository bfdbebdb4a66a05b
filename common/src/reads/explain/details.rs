//! What was sent with a sale for reports (user agent, ip, notes, products), without e-mail addresses: explanations are read by many.

use serde_json::Value;

use crate::domain::MetaData;

/// Stands for an e-mail address.
const HIDDEN: &str = "[e-mail]";

/// The same with each e-mail address replaced, however deep.
pub(super) fn without_emails(details: MetaData) -> MetaData {
    details
        .into_iter()
        .map(|(name, value)| (hide_in_text(&name), hide_in_value(&name, value)))
        .collect()
}

fn hide_in_value(name: &str, value: Value) -> Value {
    match value {
        // Whatever is in a field of that name is one: it may be hashed, or written in an odd way.
        Value::String(_) if is_email_field(name) => HIDDEN.into(),
        Value::String(text) => hide_in_text(&text).into(),
        Value::Array(values) => values
            .into_iter()
            .map(|value| hide_in_value(name, value))
            .collect(),
        Value::Object(fields) => without_emails(fields.into()).into(),
        Value::Null | Value::Bool(_) | Value::Number(_) => value,
    }
}

fn is_email_field(name: &str) -> bool {
    let name = name.to_lowercase();
    ["email", "e-mail", "e_mail"]
        .into_iter()
        .any(|word| name.contains(word))
}

/// The text with each word replaced that has something on both sides of an `@`.
fn hide_in_text(text: &str) -> String {
    let is_address = |word: &str| {
        word.split_once('@')
            .is_some_and(|(name, host)| !name.is_empty() && !host.is_empty())
    };
    if !text.contains('@') {
        return text.to_owned();
    }
    text.split_inclusive(char::is_whitespace)
        .map(|part| {
            let word = part.trim_end();
            let space = part.get(word.len()..).unwrap_or_default();
            if is_address(word) {
                HIDDEN.to_owned() + space
            } else {
                part.to_owned()
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn addresses_are_left_out_wherever_they_are() {
        let sent = json!({
            "ip": "203.0.113.7", "customer_email": "hidden", "jane@example.com": 1,
            "notes": "ask jane@example.com, or\n<joe@example.com> at the office @ noon",
            "additional_data": {"E-Mail": ["x"], "list": ["a@b", "c", 1.50, null], "page": "https://shop.example/?m=a@b.c"},
        });
        let Value::Object(sent) = sent else {
            panic!("{sent}")
        };
        let shown = Value::from(without_emails(sent.into()));
        assert_eq!(
            shown,
            json!({
                "ip": "203.0.113.7", "customer_email": HIDDEN, "[e-mail]": 1,
                "notes": "ask [e-mail] or\n[e-mail] at the office @ noon",
                "additional_data": {"E-Mail": [HIDDEN], "list": [HIDDEN, "c", 1.50, null], "page": HIDDEN},
            })
        );
    }
}

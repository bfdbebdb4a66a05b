//! What a request declares in JSON, as the text of a catalog file: so there is one reader of both.

use serde_json::{Map, Value};

/// A file that declares `declared` of the organisation `org`, on one line. What is null is not declared.
pub(super) fn file_of(org: &str, declared: &Map<String, Value>) -> String {
    let org = Value::String(org.to_owned());
    format!("orgs = {{ {org} = {} }}", table(declared))
}

fn table(fields: &Map<String, Value>) -> String {
    let declared = fields.iter().filter(|(_, value)| !value.is_null());
    let entries: Vec<String> = declared
        .map(|(name, value)| format!("{} = {}", Value::String(name.clone()), toml(value)))
        .collect();
    format!("{{ {} }}", entries.join(", "))
}

fn toml(value: &Value) -> String {
    match value {
        Value::Object(fields) => table(fields),
        Value::Array(values) => {
            let values: Vec<String> = values.iter().map(toml).collect();
            format!("[{}]", values.join(", "))
        }
        // Texts are escaped alike; numbers stay as they were written.
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::{parse, parse_org};
    use super::*;

    fn declared(value: Value) -> Map<String, Value> {
        let Value::Object(fields) = value else {
            panic!("an object")
        };
        fields
    }

    #[test]
    fn json_says_what_the_file_says() {
        let text = r#"
            [orgs.shop.programs.partners]
            title = "A \"b\"\nc \u00e9"
            currency = "EUR"
            recurring_cap = 3
            types.standard.percentage = 12.50
            levels.level-2.percentage = 1
        "#;
        let value = serde_json::from_str(
            r#"{"programs": {"partners": {"title": "A \"b\"\nc é", "currency": "EUR", "recurring_cap": 3, "category": null,
                "types": {"standard": {"percentage": 12.50}}, "levels": {"level-2": {"percentage": 1}}}}}"#,
        )
        .unwrap();
        let from_json = parse_org("shop", &declared(value)).unwrap();
        let debug = |file| {
            // Where things stand differs.
            let text = format!("{file:?}");
            let words: Vec<_> = text
                .split("span: ")
                .map(|rest| rest.split_once(',').map_or(rest, |(_, rest)| rest).to_owned())
                .collect();
            words.join("")
        };
        assert_eq!(debug(from_json), debug(parse(text).unwrap()));
    }

    #[test]
    fn what_is_wrong_is_told_and_nothing_panics() {
        for wrong in [
            json!({"programs": 7}),
            json!({"programs": {"p": {"currency": "EUR", "types": {"standard": {}}}}}),
            json!({"programs": {"p\u{0}": {"currency": "EUR"}}}),
            json!({"programs": {"p": {"currency": "EUR", "cookie_time": [null]}}}),
            json!({"programs": {"p": {"currency": "\u{7f}"}}}),
            json!({"programs": {"": {"currency": "EUR"}}}),
        ] {
            assert!(parse_org("shop", &declared(wrong.clone())).is_err(), "{wrong}");
        }
        let huge = r#"{"programs": {"p": {"currency": "EUR", "cookie_time": 1e999999999999}}}"#;
        let huge = serde_json::from_str(huge).unwrap();
        assert!(parse_org("shop", &declared(huge)).is_err());
    }
}

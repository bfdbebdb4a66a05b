//! What a request declares in JSON: read as the text of a catalog file, so there is one reader of both.

use serde_json::{Map, Value, json};

use super::{Declaration, parse};
use crate::catalog::{problem::CatalogError, toml_text};

/// Reads and checks what `declared` says of the organisation `org`, in the words of a catalog file. What is null is not declared.
///
/// # Errors
/// As [`parse`].
pub fn parse_org(org: &str, declared: &Map<String, Value>) -> Result<Declaration, CatalogError> {
    let orgs = toml_text::value(&json!({ org: declared })).unwrap_or_default();
    parse(&format!("orgs = {orgs}"))
}

#[cfg(test)]
mod tests {
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
            json!({"programs": {"p": {"currency": "EUR", "types": {"standard": {"percentage": -1}}}}}),
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

//! Values as TOML on one line. JSON's escapes are TOML's; null has no text: what is null is left out.

use serde_json::{Map, Value};

/// A key, in quotes where it must be.
pub(super) fn key(name: &str) -> String {
    let is_bare = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if !name.is_empty() && name.chars().all(is_bare) {
        return name.to_owned();
    }
    text(name)
}

/// A value other than null.
pub(super) fn value(value: &Value) -> Option<String> {
    Some(match value {
        Value::Null => return None,
        Value::Bool(boolean) => boolean.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(string) => text(string),
        Value::Array(items) => {
            let items: Vec<_> = items.iter().filter_map(self::value).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(fields) => table(fields),
    })
}

/// A table such as `{ percentage = 10 }`.
pub(super) fn table(fields: &Map<String, Value>) -> String {
    let each = fields.iter();
    of_entries(each.filter_map(|(name, field)| Some((name.as_str(), value(field)?))))
}

/// The same of values that are printed already.
pub(super) fn of_entries<'a>(entries: impl Iterator<Item = (&'a str, String)>) -> String {
    let entries: Vec<_> = entries
        .map(|(name, value)| format!("{} = {value}", key(name)))
        .collect();
    if entries.is_empty() {
        return "{}".to_owned();
    }
    format!("{{ {} }}", entries.join(", "))
}

/// JSON leaves DEL as it is, TOML does not.
fn text(text: &str) -> String {
    Value::from(text).to_string().replace('\u{7f}', "\\u007F")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_value_is_read_back_as_it_was() {
        let printed = value(&json!({
            "a.b": ["x\"y\\z\n\u{7f}\u{1}é", 1, 2.50, true], "": {"c-d": {}}, "none": null, "list": [null, 1],
        }));
        let printed = printed.unwrap();
        assert!(printed.contains("2.5,"), "{printed}");
        let read: toml::Value = toml::from_str::<toml::Table>(&format!("v = {printed}"))
            .unwrap()
            .remove("v")
            .unwrap();
        assert_eq!(read["a.b"][0].as_str().unwrap(), "x\"y\\z\n\u{7f}\u{1}é");
        assert_eq!(read[""]["c-d"], toml::Value::Table(toml::Table::new()));
        assert_eq!(read.get("none"), None);
        assert_eq!(read["list"].as_array().unwrap().len(), 1);
    }
}

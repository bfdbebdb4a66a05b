//! What was sent, before anybody asks for it: the first value of each field, and which fields came again with another.
//!
//! Of two values neither can be trusted; but a field that nobody reads must not cost the sale.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// Fields by their names from the outermost object inwards.
pub(super) type Clashes = BTreeSet<Vec<String>>;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sent {
    pub(super) values: Map<String, Value>,
    pub(super) clashes: Clashes,
    /// Parameters of a query or a form without a value: their sender says nothing. An empty text of JSON says that there is none.
    pub(super) unsaid: BTreeSet<String>,
}

impl From<Map<String, Value>> for Sent {
    fn from(values: Map<String, Value>) -> Self {
        Self {
            values,
            ..Self::default()
        }
    }
}

impl Sent {
    /// Adds what was sent in another place.
    pub(super) fn extend(&mut self, other: Self) {
        for (name, value) in other.values {
            // What was not said in one place is said in the other.
            if self.unsaid.remove(&name) {
                self.values.insert(name, value);
                continue;
            }
            if self.values.get(&name).is_some_and(|first| !same(first, &value)) {
                self.clashes.insert(vec![name.clone()]);
            }
            self.values.entry(name).or_insert(value);
        }
        self.clashes.extend(other.clashes);
        self.unsaid.extend(other.unsaid);
    }
}

/// Whether two values say the same: a query knows only texts.
pub(super) fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::String(text), Value::Number(number)) | (Value::Number(number), Value::String(text)) => {
            text == number.as_str()
        }
        _ => one == other,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn sent(value: Value) -> Sent {
        match value {
            Value::Object(values) => values.into(),
            _ => panic!("an object is expected"),
        }
    }

    #[test]
    fn only_another_value_is_a_clash() {
        let mut both = sent(json!({"a": "1", "b": "x", "c": {"d": 1}, "e": "1.0"}));
        both.extend(sent(json!({"a": 1, "b": "y", "c": {"d": 1}, "e": 1, "f": null})));
        assert_eq!(
            both.clashes,
            Clashes::from([vec!["b".to_owned()], vec!["e".to_owned()]])
        );
        assert_eq!(
            (&both.values["b"], both.values.len()),
            (&json!("x"), 5),
            "the first"
        );
    }
}

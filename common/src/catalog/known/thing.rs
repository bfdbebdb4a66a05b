//! A thing as it is known: an id and the fields of its table.

use serde_json::{Map, Value};

/// A thing that is named by its id, such as a program.
#[derive(Clone)]
pub(in crate::catalog) struct Known {
    pub(in crate::catalog) id: String,
    pub(in crate::catalog) fields: Map<String, Value>,
}

/// The fields of an object; of anything else none.
pub(in crate::catalog) fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

//! Schemas from examples: the types of the fields, each of which may also be null.

use serde_json::{Map, Value, json};

use super::operation::Words;

/// Fields whose content is the client's own.
const FREE: &[&str] = &[
    "meta_data",
    "affiliate_meta_data",
    "metadata",
    "customer_metadata",
    "additional_data",
    "custom_fields",
    "details",
    "outcome",
    "balances",
];

/// The schema of an answer like `example`.
pub(super) fn of_answer(example: &Value) -> Value {
    of(example, true)
}

/// The schema of a body whose fields are those of all `examples`, in which `required` must be there.
pub(super) fn of_body(examples: &[Value], required: &[&str], words: Words) -> Value {
    let fields = examples.iter().filter_map(Value::as_object).flatten();
    let mut properties: Map<String, Value> = fields
        .map(|(name, value)| (name.clone(), field(name, value, false)))
        .collect();
    for (name, words) in words {
        properties.insert((*name).to_owned(), json!({"type": "string", "enum": words}));
    }
    let mut schema = json!({"type": "object", "properties": properties});
    if !required.is_empty() {
        set(&mut schema, "required", json!(required));
    }
    schema
}

/// Sets a field of an object.
pub(super) fn set(object: &mut Value, name: &str, value: Value) {
    if let Some(object) = object.as_object_mut() {
        object.insert(name.to_owned(), value);
    }
}

fn of(example: &Value, nullable: bool) -> Value {
    match example {
        Value::Object(fields) => {
            let properties: Map<String, Value> = fields
                .iter()
                .map(|(name, value)| (name.clone(), field(name, value, nullable)))
                .collect();
            json!({"type": "object", "properties": properties})
        }
        Value::Array(items) => {
            json!({"type": "array", "items": items.first().map_or(json!({}), |item| of(item, nullable))})
        }
        Value::Null => json!({}),
        Value::Bool(_) => json!({"type": "boolean"}),
        Value::Number(_) => json!({"type": "number"}),
        Value::String(_) => json!({"type": "string"}),
    }
}

fn field(name: &str, value: &Value, nullable: bool) -> Value {
    if FREE.contains(&name) {
        return json!({});
    }
    let mut schema = of(value, nullable);
    if nullable && let Some(kind) = schema.get("type").cloned() {
        set(&mut schema, "type", json!([kind, "null"]));
    }
    schema
}

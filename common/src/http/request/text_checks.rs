//! What no field of any request may carry, however deep, and what nothing that is stored as it is may carry: it would break who
//! stores or reads it later.

use serde_json::{Map, Value};

use super::{Invalid, MAX_DEPTH, names::check_name, number::is_sane};

/// # Errors
/// When a name is reserved, or names the field that is nested too deep. Nobody sends that by a slip.
pub(super) fn check(values: &Map<String, Value>) -> Result<(), Invalid> {
    values
        .iter()
        .try_for_each(|(name, value)| legible(name, value, 1))
}

fn legible(name: &str, value: &Value, depth: usize) -> Result<(), Invalid> {
    check_name(name)?;
    if depth > MAX_DEPTH {
        return Err(Invalid::new(format!("{name} is nested deeper than {MAX_DEPTH}")));
    }
    match value {
        Value::Array(list) => list.iter().try_for_each(|value| legible(name, value, depth + 1)),
        Value::Object(inner) => inner
            .iter()
            .try_for_each(|(name, value)| legible(name, value, depth + 1)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(()),
    }
}

/// Of data of the catalog, which is stored as it is.
///
/// # Errors
/// Names the field that has a NUL character or an absurd number.
pub(super) fn check_storable(path: &str, value: &Value) -> Result<(), Invalid> {
    match value {
        Value::String(text) if text.contains('\0') => {
            Err(Invalid::new(format!("{path} contains a NUL character")))
        }
        Value::Number(number) if !is_sane(number) => {
            Err(Invalid::new(format!("{path} is out of range for a number")))
        }
        Value::Array(list) => list.iter().try_for_each(|value| check_storable(path, value)),
        Value::Object(inner) => inner.iter().try_for_each(|(name, value)| {
            if name.contains('\0') {
                return Err(Invalid::new("a field's name contains a NUL character"));
            }
            check_storable(&format!("{path}.{name}"), value)
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(json: &str) -> String {
        let value: Value = serde_json::from_str(json).unwrap();
        let checked = check(value.as_object().unwrap()).and_then(|()| check_storable("f", &value));
        checked.map_or_else(|error| error.0, |()| "fine".to_owned())
    }

    #[test]
    fn the_field_is_named() {
        assert_eq!(
            refused(r#"{"a":{"b":["x","\u0000"]}}"#),
            "f.a.b contains a NUL character"
        );
        assert_eq!(
            refused(r#"{"a\u0000":1}"#),
            "a field's name contains a NUL character"
        );
        assert_eq!(refused(r#"{"a":1e999}"#), "f.a is out of range for a number");
        assert_eq!(
            refused(&format!(r#"{{"a":{}}}"#, "1".repeat(65))),
            "f.a is out of range for a number"
        );
        assert_eq!(refused(r#"{"a":[1.5e-7,null,true,"x"]}"#), "fine");
    }

    /// The library reads `{"$serde_json::private::RawValue":"[[…]]"}` as the JSON within the text.
    #[test]
    fn marks_of_the_json_library_do_not_pass() {
        let mut values = Map::new();
        values.insert("$serde_json::private::Number".to_owned(), "x".into());
        let nested = Map::from_iter([("meta_data".to_owned(), Value::Object(values))]);
        assert_eq!(check(&nested).unwrap_err().0, "a field's name is reserved");
        let hidden = format!(
            r#"{{"a":{{"$serde_json::private::RawValue":"{}{}"}}}}"#,
            "[".repeat(40),
            "]".repeat(40)
        );
        assert_eq!(refused(&hidden), "a is nested deeper than 32");
    }
}

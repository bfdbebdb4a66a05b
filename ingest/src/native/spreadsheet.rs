//! What spreadsheets do to ids and codes: marks that keep them texts are taken off, and what has lost its digits is refused,
//! since it would make one order of many.

use common::http::request::{Fields, Invalid};
use serde_json::Value;

/// Ids that programs write as decimals when a column of theirs has gaps: 1002.0 is order 1002.
const NUMBERED: [&str; 2] = ["external_id", "customer_id"];
/// What a cell shows whose formula failed.
const ERRORS: [&str; 8] = [
    "#N/A", "#NAME?", "#REF!", "#VALUE!", "#DIV/0!", "#NUM!", "#NULL!", "#ERROR!",
];

/// The text of a cell without what a spreadsheet needs to leave it alone: `="1002"` and `'1002` are 1002.
pub(super) fn bare<'a>(name: &str, cell: &'a str) -> &'a str {
    let cell = cell.trim();
    let text = between(cell, "=\"", "\"")
        .or_else(|| between(cell, "\"", "\""))
        .or_else(|| between(cell, "'", "'"))
        .or_else(|| cell.strip_prefix('\''))
        .unwrap_or(cell)
        .trim();
    match text.split_once('.') {
        Some((whole, fraction))
            if NUMBERED.contains(&name)
                && is_digits(whole)
                && !fraction.is_empty()
                && fraction.bytes().all(|byte| byte == b'0') =>
        {
            whole
        }
        _ => text,
    }
}

/// # Errors
/// Names the first of the `names` whose value a spreadsheet has damaged.
pub(super) fn refuse_damaged(fields: &Fields, names: &[&str]) -> Result<(), Invalid> {
    for name in names {
        let text = match fields.values().get(*name) {
            Some(Value::String(text)) => text.trim().to_owned(),
            Some(Value::Number(number)) => number.to_string(),
            _ => continue,
        };
        if is_shortened(&text) {
            let what = format!(
                "is {text}, a number that a spreadsheet has shortened: its last digits are lost (format the column as text)"
            );
            return Err(fields.wrong(name, &what));
        }
        if ERRORS.contains(&text.to_ascii_uppercase().as_str()) {
            return Err(fields.wrong(name, &format!("is {text}: the formula of a spreadsheet failed")));
        }
    }
    Ok(())
}

/// `1.23457E+12` and its like in all locales. Not `12E3`, which people give as a name.
fn is_shortened(text: &str) -> bool {
    let text = text.strip_prefix('-').unwrap_or(text);
    let Some((mantissa, exponent)) = text.split_once(['E', 'e']) else {
        return false;
    };
    let digits = exponent.strip_prefix(['+', '-']);
    let (whole, fraction) = match mantissa.split_once(['.', ',']) {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    is_digits(whole)
        && fraction.is_none_or(is_digits)
        && is_digits(digits.unwrap_or(exponent))
        && (digits.is_some() || fraction.is_some())
}

fn between<'a>(text: &'a str, begin: &str, end: &str) -> Option<&'a str> {
    text.strip_prefix(begin)?.strip_suffix(end)
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn marks_of_texts_are_taken_off() {
        for (cell, want) in [
            ("=\"1002\"", "1002"),
            (" =\"0030611\" ", "0030611"),
            ("'1002", "1002"),
            ("'0030611'", "0030611"),
            ("\"1002\"", "1002"),
            ("'=A1", "=A1"),
            ("=\"\"", ""),
            ("'", ""),
            ("1002.0", "1002"),
            ("1002.00", "1002"),
            ("1002.5", "1002.5"),
            ("1002.", "1002."),
            ("v1.0", "v1.0"),
            ("O'Neil", "O'Neil"),
            ("5\" rack", "5\" rack"),
            ("=1002", "=1002"),
        ] {
            assert_eq!(bare("external_id", cell), want, "{cell}");
        }
        assert_eq!(bare("amount", "1002.0"), "1002.0");
    }

    #[test]
    fn damaged_ids_are_refused_with_the_reason() {
        let check = |value: Value| {
            let sent = json!({"external_id": value});
            let fields = Fields::new(sent.as_object().unwrap().clone()).unwrap();
            refuse_damaged(&fields, &["customer_id", "external_id"]).map_err(|invalid| invalid.0)
        };
        for text in [
            "1.23457E+12",
            "1,23457E+12",
            "1E+12",
            "1.23456789012346E+015",
            "1.2e12",
            "-1.2E-05",
        ] {
            let error = check(text.into()).unwrap_err();
            assert!(
                error.starts_with("external_id is") && error.contains("shortened"),
                "{text}: {error}"
            );
        }
        assert!(check(serde_json::from_str("1.23457E+12").unwrap()).is_err());
        for text in ["#N/A", "#ref!"] {
            assert!(check(text.into()).unwrap_err().contains("failed"), "{text}");
        }
        for text in ["12E3", "1002", "E12", "1.5", "3F2E+1", "A-1E+5", "#1001"] {
            assert_eq!(check(text.into()), Ok(()), "{text}");
        }
    }
}

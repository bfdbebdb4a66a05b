//! The fields of one line or row, before anybody asks what they mean.

use super::spreadsheet::bare;
use common::http::request::{Fields, Invalid, MAX_BODY_BYTES, json_object, named_values};

/// Bytes of one line, at most: as many as of a call that records one event.
pub const MAX_LINE_BYTES: usize = MAX_BODY_BYTES;

/// All fields that a line may have. Those of `meta_data` are the sender's own.
pub const FIELDS: [&str; 16] = [
    "type",
    "external_id",
    "amount",
    "currency",
    "coupon",
    "referral_code",
    "click_id",
    "asset_id",
    "source_id",
    "customer_id",
    META_DATA,
    "timestamp",
    "status",
    "refund_id",
    "user_agent",
    "ip",
];
const META_DATA: &str = "meta_data";

/// The fields of a line, which is one JSON object.
///
/// # Errors
/// When it is none, or too long.
pub fn line_fields(text: &str) -> Result<Fields, Invalid> {
    within_limit(text.len())?;
    if !text.starts_with('{') {
        return Err(Invalid::new("the line must be a JSON object"));
    }
    Fields::new(json_object(text)?)
}

/// The fields of a table's row, under the names that [`column`] gives. Empty cells do not count, and what a spreadsheet puts
/// around ids, codes and numbers is taken off.
///
/// # Errors
/// When a field is there twice, or the row is too long.
pub fn row_fields<'a>(cells: impl Iterator<Item = (&'a str, &'a str)> + Clone) -> Result<Fields, Invalid> {
    within_limit(cells.clone().map(|(_, cell)| cell.len()).sum())?;
    let bare = cells.map(|(name, cell)| (name, if is_prose(name) { cell } else { bare(name, cell) }));
    let filled = bare.filter(|(_, cell)| !cell.trim().is_empty());
    Fields::new(named_values(
        filled.map(|(name, cell)| (name.to_owned(), cell.to_owned())),
    )?)
}

/// Whether the field is free text, which is kept as it is. Names as of [`column`].
pub fn is_prose(name: &str) -> bool {
    name == "user_agent" || name.starts_with(META_DATA)
}

/// The field that a column's name means, whatever its case: `meta_data.x` or `meta_data[x]` is a value of the meta data.
/// `None` when there is no such field.
pub fn column(name: &str) -> Option<String> {
    let name = name.trim();
    let (head, key) = match name.split_once(['.', '[']) {
        None => (name, None),
        Some((head, key)) => (head, Some(key.strip_suffix(']').unwrap_or(key))),
    };
    let head = head.trim().to_ascii_lowercase();
    match key {
        None => FIELDS.contains(&head.as_str()).then_some(head),
        Some(key) => (head == META_DATA && !key.is_empty()).then(|| format!("{META_DATA}[{key}]")),
    }
}

fn within_limit(bytes: usize) -> Result<(), Invalid> {
    if bytes > MAX_LINE_BYTES {
        return Err(Invalid::new(format!(
            "the line is longer than {MAX_LINE_BYTES} bytes"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use common::{db::keys::Timezone, http::request, runtime::Clock};

    use super::*;
    use crate::native::parse_line;

    #[test]
    fn columns_are_found_in_any_case() {
        for (name, want) in [
            (" Amount ", Some("amount")),
            ("EXTERNAL_ID", Some("external_id")),
            ("Meta_Data.Shop", Some("meta_data[Shop]")),
            ("meta_data[Shop]", Some("meta_data[Shop]")),
            ("meta_data", Some("meta_data")),
            ("meta_data.", None),
            ("customer.id", None),
            ("ammount", None),
            ("", None),
        ] {
            assert_eq!(column(name).as_deref(), want, "{name}");
        }
    }

    #[test]
    fn rows_are_as_long_as_lines() {
        let cell = "x".repeat(MAX_LINE_BYTES);
        assert!(row_fields([("external_id", cell.as_str())].into_iter()).is_ok());
        let cells = [("external_id", cell.as_str()), ("coupon", "C")];
        assert!(
            row_fields(cells.into_iter())
                .unwrap_err()
                .0
                .contains("longer than")
        );
    }

    #[test]
    fn the_fields_are_those_that_are_read() {
        request::asked();
        let line = r#"{"external_id": "1", "coupon": "C", "customer_id": "c"}"#;
        for kind in [
            "conversion",
            "update",
            "refund",
            "chargeback",
            "customer",
            "customer_update",
        ] {
            let line = line.replace('}', &format!(r#", "type": "{kind}"}}"#));
            let fields = line_fields(&line).unwrap();
            parse_line(&fields, Clock::default().now(), Timezone::default()).unwrap();
        }
        assert_eq!(
            request::asked(),
            FIELDS.iter().map(|name| (*name).to_owned()).collect()
        );
    }
}

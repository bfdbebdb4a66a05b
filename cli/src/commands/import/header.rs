//! The header of a CSV file: which field each column is. A name that nobody knows would be a field that silently is not
//! there, so it is refused before anything is queued.

use std::collections::HashSet;

use anyhow::bail;
use ingest::native::{FIELDS, column};

/// One of them is in every row that is an event.
pub(super) const IDENTIFYING: [&str; 2] = ["external_id", "customer_id"];

#[derive(Debug)]
pub(super) struct Header {
    /// Of each column; `None` for those that are left out.
    pub(super) fields: Vec<Option<String>>,
    /// The columns that are left out.
    pub(super) ignored: Vec<String>,
}

/// # Errors
/// When a column is unknown, unless those are ignored, or is there twice, or no column says what a row is about.
pub(super) fn read(names: &[String], ignore_unknown: bool) -> anyhow::Result<Header> {
    let names: Vec<&str> = names.iter().map(|name| bare(name)).collect();
    let fields: Vec<Option<String>> = names.iter().map(|name| column(name)).collect();
    let known: Vec<&str> = fields.iter().flatten().map(String::as_str).collect();
    if !known.iter().any(|name| IDENTIFYING.contains(name)) {
        bail!(
            "the header names neither {}; columns may be {}",
            IDENTIFYING.join(" nor "),
            FIELDS.join(", ")
        );
    }
    let mut seen = HashSet::new();
    if let Some(twice) = known.iter().find(|name| !seen.insert(**name)) {
        bail!("the header names {twice} twice");
    }
    let unknown = || {
        let pairs = names.iter().zip(&fields);
        pairs.filter(|(_, field)| field.is_none()).map(|(name, _)| *name)
    };
    if unknown().next().is_some() && !ignore_unknown {
        let listed: Vec<String> = unknown().map(suggested).collect();
        bail!(
            "the header has columns that are unknown: {}; columns may be {}, or meta_data.NAME \
             (--ignore-unknown imports the file without the others)",
            listed.join(", "),
            FIELDS.join(", ")
        );
    }
    let ignored = unknown().map(|name| name.trim().to_owned()).collect();
    Ok(Header { fields, ignored })
}

/// The name without the mark that begins some files.
fn bare(name: &str) -> &str {
    name.trim_start_matches('\u{feff}').trim()
}

/// How many of the names are those of fields.
pub(super) fn known(names: &[String]) -> usize {
    names.iter().filter(|name| column(bare(name)).is_some()).count()
}

/// The name as it stands there, and which field differs from it only in its spaces and signs.
fn suggested(name: &str) -> String {
    let name = name.trim();
    let letters = |text: &str| -> String {
        let kept = text.chars().filter(char::is_ascii_alphanumeric);
        kept.collect::<String>().to_ascii_lowercase()
    };
    match FIELDS.iter().find(|field| letters(field) == letters(name)) {
        Some(field) => format!("{name:?} (is {field} meant?)"),
        None => format!("{name:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(line: &str, ignore_unknown: bool) -> Result<Header, String> {
        let names: Vec<String> = line.split(',').map(str::to_owned).collect();
        read(&names, ignore_unknown).map_err(|error| error.to_string())
    }

    #[test]
    fn names_are_found_in_any_case() {
        let found = header("\u{feff}External_ID, Coupon ,AMOUNT,Meta_Data.Shop", false).unwrap();
        let fields: Vec<_> = found.fields.iter().flatten().collect();
        assert_eq!(fields, ["external_id", "coupon", "amount", "meta_data[Shop]"]);
        assert!(found.ignored.is_empty());
    }

    #[test]
    fn what_would_be_lost_silently_is_refused() {
        for (line, want) in [
            (
                "external_id,coupon,Ammount",
                "unknown: \"Ammount\"; columns may be type, external_id",
            ),
            (
                "external_id,Customer ID,",
                "unknown: \"Customer ID\" (is customer_id meant?), \"\"",
            ),
            (
                "order,coupon",
                "neither external_id nor customer_id; columns may be",
            ),
            ("", "neither external_id nor customer_id"),
            ("external_id,amount,Amount", "names amount twice"),
        ] {
            let refused = header(line, false).unwrap_err();
            assert!(refused.contains(want), "{line:?}: {refused}");
        }
    }

    #[test]
    fn unknown_columns_are_left_out_if_wanted() {
        let found = header("external_id,Ammount,coupon", true).unwrap();
        assert_eq!(
            found.fields,
            [Some("external_id".to_owned()), None, Some("coupon".to_owned())]
        );
        assert_eq!(found.ignored, ["Ammount"]);
        assert!(
            header("order,coupon", true).is_err(),
            "nothing says what a row is about"
        );
    }
}

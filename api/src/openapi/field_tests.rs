//! The described fields against those that the handlers read, as they are written in their sources.

use std::{collections::BTreeSet, fs, path::Path};

use serde_json::Value;

use super::{document::document, tables::TABLES};

/// What stands before the name of a field.
const BEFORE: [&str; 18] = [
    ".text(",
    ".required_text(",
    ".word(",
    ".currency(",
    ".value(",
    ".prose(",
    ".email(",
    ".amount(",
    "_amount(",
    ".timestamp(",
    ".flag(",
    ".nested(",
    ".list(",
    ".object(",
    ".meta_data(",
    ".get(",
    "(fields, ",
    "(fields, names, ",
];
/// What stands behind it in a table of names and lengths.
const BEHIND: &str = ", MAX_";
/// A table of names, names under which they are kept, and lengths.
const KEPT_AS: &str = ", ";

/// The names in the Rust files at `path`.
fn read_at(path: &Path, found: &mut BTreeSet<String>) {
    if path.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            read_at(&entry.unwrap().path(), found);
        }
        return;
    }
    let source = fs::read_to_string(path).unwrap();
    let code = source.split("#[cfg(test)]").next().unwrap();
    // What is between quotation marks is every second part.
    let parts: Vec<&str> = code.split('"').collect();
    for at in (1..parts.len().saturating_sub(1)).step_by(2) {
        let (before, name, behind) = (
            parts[at - 1].trim_end_matches(['\n', ' ']),
            parts[at],
            parts[at + 1],
        );
        let before = if parts[at - 1].ends_with(", ") {
            parts[at - 1]
        } else {
            before
        };
        let is_kept_as = |part: &str| part == KEPT_AS;
        let in_table = (behind.starts_with(BEHIND) && !is_kept_as(before))
            || (is_kept_as(behind) && parts.get(at + 3).is_some_and(|next| next.starts_with(BEHIND)));
        // The older name of a field, which stands behind the current one.
        let is_older = is_kept_as(before) && at > 2 && parts[at - 3].ends_with("(fields, names, ");
        let is_name = BEFORE.iter().any(|call| before.ends_with(call)) || before.ends_with("NAME: &str =");
        if in_table || is_older || is_name {
            found.insert(name.to_owned());
        }
    }
}

/// The names of all properties, at any depth.
fn properties(schema: &Value, found: &mut BTreeSet<String>) {
    if let Some(fields) = schema["properties"].as_object() {
        for (name, field) in fields {
            found.insert(name.clone());
            properties(field, found);
        }
    }
    if let Some(items) = schema.get("items") {
        properties(items, found);
    }
}

/// What is described for the calls with this tag: parameters, and fields of bodies.
fn described(tag: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let document = document();
    let paths = document["paths"].as_object().unwrap().values();
    let operations = paths.flat_map(|item| item.as_object().unwrap().values().cloned().collect::<Vec<_>>());
    for operation in operations.filter(|operation| operation["tags"][0] == tag) {
        for parameter in operation["parameters"].as_array().unwrap() {
            let name = parameter["name"].as_str().unwrap();
            found.insert(name.split('[').next().unwrap().to_owned());
        }
        let content = operation["requestBody"]["content"].as_object();
        for media in content.into_iter().flat_map(|content| content.values()) {
            properties(&media["schema"], &mut found);
        }
    }
    found
}

#[test]
fn every_field_that_is_read_is_described() {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ingest/src");
    let shared = "tapfiliate/params.rs";
    for (tag, places, some) in [
        ("yaplet", &["yaplet"][..], "total_amount"),
        ("postback", &["tapfiliate/postback", shared], "referral_code"),
        ("rest", &["tapfiliate/rest", shared], "visitor_id"),
        ("affitor", &["affitor"], "customer_code"),
        ("affy", &["affy"], "userAgent"),
        (
            "native",
            &["native/line.rs", "tapfiliate/postback/request.rs", shared],
            "refund_id",
        ),
    ] {
        let mut read = BTreeSet::new();
        for place in places {
            read_at(&sources.join(place), &mut read);
        }
        assert!(read.contains(some), "{tag}: {read:?}");
        let described = described(tag);
        let about = TABLES.iter().find(|table| table.tag == tag).unwrap().about;
        let missing: Vec<_> = read
            .iter()
            .filter(|name| !described.contains(*name) && !about.contains(name.as_str()))
            .collect();
        assert!(missing.is_empty(), "{tag} does not describe {missing:?}");
    }
}

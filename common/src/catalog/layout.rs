//! How a table of a catalog file is laid out: its fields on lines of their own or on one, in the order in which people look for them.

use serde_json::{Map, Value};

use super::{file::Profile, toml_text};

/// Fields in the order in which people look for them; others follow.
const ORDER: &[&str] = &[
    "title",
    "firstname",
    "lastname",
    "email",
    "default",
    "name",
    "key_sha256",
    "hint",
    "secret",
    "scopes",
    "program",
    "owner",
    "status",
    "coupon",
    "referral_code",
    "asset_id",
    "source_id",
    "currency",
    "currency_symbol",
    "cookie_time",
    "landing_page",
    "hosts",
    "category",
    "target_type",
    "target",
    "interval",
    "percentage",
    "fixed",
    "recurring",
    "recurring_cap",
    "recurring_period_days",
    "approval",
    "hold_days",
    "default_type",
    "parent",
    "group",
];

pub(super) fn header(name: &str) -> String {
    format!("\n[{name}]\n")
}

/// A line for each field, the known ones first.
pub(super) fn lines(text: &mut String, fields: &Map<String, Value>) {
    for (name, value) in ordered(fields) {
        text.push_str(&line(name, &value));
        text.push('\n');
    }
}

fn line(name: &str, value: &str) -> String {
    format!("{} = {value}", toml_text::key(name))
}

/// A table of things, each on its line.
pub(super) fn section(text: &mut String, name: &str, things: &[(String, String)], note: &str) {
    if things.is_empty() {
        return;
    }
    text.push_str(&header(name));
    for (id, table) in things {
        text.push_str(&line(id, table));
        text.push_str(note);
        text.push('\n');
    }
}

pub(super) fn inline(fields: &Map<String, Value>) -> String {
    toml_text::of_entries(ordered(fields).into_iter())
}

/// What has a text, in [`ORDER`]. A table without anything says nothing; `retired = false` goes without saying.
fn ordered(fields: &Map<String, Value>) -> Vec<(&str, String)> {
    let says = |name: &str, value: &Value| match value {
        Value::Object(fields) => !fields.is_empty(),
        Value::Array(list) => !list.is_empty() || !matches!(name, "hosts" | "assets"),
        Value::Bool(is_so) => *is_so || name != "retired",
        _ => true,
    };
    let rank = |name: &str| {
        ORDER
            .iter()
            .position(|known| *known == name)
            .unwrap_or(ORDER.len())
    };
    let fields = fields.iter().filter(|(name, value)| says(name, value));
    let mut fields: Vec<_> = fields
        .filter_map(|(name, value)| {
            let text = match value {
                Value::Object(fields) if !Profile::FREE.contains(&name.as_str()) => inline(fields),
                other => toml_text::value(other)?,
            };
            Some((name.as_str(), text))
        })
        .collect();
    fields.sort_by_key(|(name, _)| rank(name));
    fields
}

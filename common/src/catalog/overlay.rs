//! A file laid over what is known: a field that a table leaves out keeps its value, one that it names in `clear` has none, and
//! things that the file does not declare stand around those that it does, so that references can be checked.
//!
//! What is known stands in no file: its spans are [`KNOWN`], by which messages and the writer tell it from what is declared.

use serde_json::{Map, Value};
use toml::{
    Spanned,
    de::{DeArray, DeTable, DeValue},
};

use super::{
    key_hash,
    known::{Known, KnownOrg, KnownOrgs},
    problem::KNOWN,
    toml_text,
};

/// Lists that only grow: what is there already needs no second mention.
const GROWING: &[&str] = &["assets", "hosts"];

/// What is known as TOML, to be parsed and [`lay`]ed under a file. Of affiliates' free data nothing: it is kept as it is stored.
pub(super) fn text(known: &KnownOrgs) -> String {
    let orgs = known.iter().map(|(slug, org)| (slug.as_str(), org_text(org)));
    format!("orgs = {}", toml_text::of_entries(orgs))
}

fn org_text(org: &KnownOrg) -> String {
    let things = |things: &[Known]| {
        let each = things
            .iter()
            .map(|thing| (thing.id.clone(), Value::Object(thing.fields.clone())));
        Value::Object(each.collect())
    };
    let mut fields = org.fields.clone();
    fields.insert("groups".to_owned(), things(&org.groups));
    fields.insert("custom_fields".to_owned(), things(&org.custom_fields));
    fields.insert("programs".to_owned(), things(&org.programs));
    fields.insert("pixel_keys".to_owned(), things(&org.pixel_keys));
    let affiliates = org.affiliates.iter();
    let affiliates = affiliates.map(|one| (one.id.clone(), Value::Object(one.fields.clone())));
    fields.insert("affiliates".to_owned(), Value::Object(affiliates.collect()));
    let keys = org.keys.iter();
    let keys: Map<_, _> = keys
        .map(|key| (key.hash.clone(), Value::Object(key.fields.clone())))
        .collect();
    fields.insert("keys".to_owned(), Value::Object(keys));
    toml_text::table(&fields)
}

/// Lays the organisations that `file` declares over those of `known`. What is no table is left to the reader, which says so.
pub(super) fn lay<'a>(file: &mut DeTable<'a>, known: &DeTable<'a>) {
    let (Some(orgs), Some(known)) = (table_mut(file, "orgs"), table(known, "orgs")) else {
        return;
    };
    for (slug, org) in orgs.iter_mut() {
        if let (DeValue::Table(org), Some(known)) = (org.get_mut(), table(known, slug.get_ref())) {
            lay_org(org, known);
        }
    }
}

/// A key is known by its hash, whatever it is called. The owner that an organisation names is every key's.
fn lay_org<'a>(org: &mut DeTable<'a>, known: &DeTable<'a>) {
    let mut known = known.clone();
    let keys = known.remove("keys");
    let has_owner = org.contains_key("owner");
    lay_table(org, &known);
    let (Some(declared), Some(known)) = (table_mut(org, "keys"), keys) else {
        return;
    };
    let Some(known) = known.get_ref().as_table() else {
        return;
    };
    for (_, key) in declared.iter_mut() {
        let DeValue::Table(key) = key.get_mut() else {
            continue;
        };
        let Some(found) = key_hash::of_table(key).and_then(|hash| table(known, &hash)) else {
            continue;
        };
        let mut found = found.clone();
        if has_owner {
            found.remove("owner");
        }
        lay_table(key, &found);
    }
}

fn lay_table<'a>(declared: &mut DeTable<'a>, known: &DeTable<'a>) {
    let is_left = left_out(declared, known);
    for (name, value) in known {
        let name = name.get_ref();
        if let Some(own) = declared.get_mut(name.as_ref()) {
            match (own.get_mut(), value.get_ref()) {
                (DeValue::Table(own), DeValue::Table(value)) if !is_left.contains(name) => {
                    lay_table(own, value);
                }
                (DeValue::Array(own), DeValue::Array(value)) if GROWING.contains(&name.as_ref()) => {
                    lay_list(own, value);
                }
                _ => {}
            }
        } else if !is_left.contains(name) {
            declared.insert(Spanned::new(KNOWN, name.clone()), as_known(value));
        }
    }
}

/// The fields of `known` that do not hold any more: cleared, or excluded by what is declared.
fn left_out<'a>(declared: &DeTable<'a>, known: &DeTable<'a>) -> Vec<std::borrow::Cow<'a, str>> {
    let cleared: Vec<&str> = declared
        .get("clear")
        .and_then(|list| list.get_ref().as_array())
        .map(|list| list.iter().filter_map(|name| name.get_ref().as_str()).collect())
        .unwrap_or_default();
    let text = |name| declared.get(name).and_then(|value| value.get_ref().as_str());
    let is_left = |name: &str| match name {
        _ if cleared.contains(&name) => true,
        "percentage" => declared.contains_key("fixed"),
        "fixed" => declared.contains_key("percentage"),
        "hold_days" => text("approval").is_some_and(|approval| approval != "hold"),
        _ => false,
    };
    let names = known.keys().map(|name| name.get_ref().clone());
    names.filter(|name| is_left(name)).collect()
}

fn lay_list<'a>(declared: &mut DeArray<'a>, known: &DeArray<'a>) {
    for value in known {
        let has = declared
            .iter()
            .any(|own| own.get_ref().as_str() == value.get_ref().as_str());
        if !has {
            declared.push(as_known(value));
        }
    }
}

/// The value, standing nowhere.
fn as_known<'a>(value: &Spanned<DeValue<'a>>) -> Spanned<DeValue<'a>> {
    let value = match value.get_ref() {
        DeValue::Array(items) => DeValue::Array(items.iter().map(as_known).collect()),
        DeValue::Table(table) => {
            let entries = table.iter();
            let entries =
                entries.map(|(name, value)| (Spanned::new(KNOWN, name.get_ref().clone()), as_known(value)));
            DeValue::Table(entries.collect())
        }
        plain => plain.clone(),
    };
    Spanned::new(KNOWN, value)
}

fn table<'t, 'a>(of: &'t DeTable<'a>, name: &str) -> Option<&'t DeTable<'a>> {
    of.get(name)?.get_ref().as_table()
}

fn table_mut<'t, 'a>(of: &'t mut DeTable<'a>, name: &str) -> Option<&'t mut DeTable<'a>> {
    match of.get_mut(name)?.get_mut() {
        DeValue::Table(table) => Some(table),
        _ => None,
    }
}

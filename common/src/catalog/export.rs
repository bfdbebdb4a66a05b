//! What is in the database as a catalog file: applied to the same database it changes nothing, applied to a new one it makes the same
//! world, with keys that work. In the order in which things were made, so that two exports can be compared line by line.
//!
//! Left out is what a file cannot bring back: who was deleted, what is retired or revoked, prospects, notes, payout methods, and
//! passwords. Of keys there are hashes only, and of pixels no secrets unless they are asked for.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{
    known::{self, Affiliate, Key, Known, KnownOrg, Pixels, Which},
    layout::{header, inline, lines, section},
    toml_text,
};
use crate::{
    db::{self, DbError, Pool},
    domain::OrgId,
};

/// The tables of a program that have a header of their own.
const RULES: &[&str] = &["types", "levels", "bonuses"];
const HEAD: &str = "\
# Written by `commissary catalog export`. Applied to the same database it changes nothing.
# Not in it: what is retired, revoked or deleted; prospects, notes, payout methods and passwords.
";
const NO_SECRET: &str =
    " # its secret stays where it is; for another database: --with-secrets, or secret = \"…\"";

/// What is to be exported.
#[derive(Clone, Copy, Debug)]
pub struct ExportOptions {
    /// One organisation; `None`: all.
    pub org: Option<OrgId>,
    /// With the secrets of pixels.
    pub with_secrets: bool,
}

/// The catalog as it is at one moment, as a file.
///
/// # Errors
/// When the database does not answer.
pub async fn export(pool: &Pool, options: ExportOptions) -> Result<String, DbError> {
    let mut transaction = db::pool::snapshot(pool).await?;
    let orgs = sqlx::query!(
        r#"SELECT org_id AS "org_id: OrgId", slug FROM orgs WHERE $1::bigint IS NULL OR org_id = $1 ORDER BY org_id"#,
        options.org.map(|org| org.0)
    )
    .fetch_all(&mut *transaction)
    .await
    .map_err(|error| DbError::new("export.orgs", error))?;
    let pixels = if options.with_secrets {
        Pixels::WithSecrets
    } else {
        Pixels::WithoutSecrets
    };
    let mut text = HEAD.to_owned();
    for org in orgs {
        let known = known::load(&mut transaction, org.org_id, &Which::All, pixels).await?;
        text.push_str(&org_text(&org.slug, &known));
    }
    db::rollback(transaction).await?;
    Ok(text)
}

fn org_text(slug: &str, org: &KnownOrg) -> String {
    let name = format!("orgs.{}", toml_text::key(slug));
    let mut text = header(&name);
    lines(&mut text, &org.fields);
    let programs = org.programs.iter().filter(|program| !is_retired(&program.fields));
    let living: Vec<&str> = programs.clone().map(|program| program.id.as_str()).collect();
    let keys = key_tables(&org.keys, &living);
    section(&mut text, &format!("{name}.keys"), &keys, "");
    let pixels: Vec<_> = org.pixel_keys.iter().map(one_line).collect();
    let has_secrets = org.pixel_keys.iter().all(|key| key.fields.contains_key("secret"));
    let note = if has_secrets { "" } else { NO_SECRET };
    section(&mut text, &format!("{name}.pixel_keys"), &pixels, note);
    let groups: Vec<_> = org.groups.iter().map(one_line).collect();
    section(&mut text, &format!("{name}.groups"), &groups, "");
    let fields = org
        .custom_fields
        .iter()
        .filter(|field| !is_retired(&field.fields));
    let offered: Vec<&str> = fields.clone().map(|field| field.id.as_str()).collect();
    let fields: Vec<_> = fields.map(one_line).collect();
    section(&mut text, &format!("{name}.custom_fields"), &fields, "");
    for program in programs {
        program_text(&mut text, &name, program);
    }
    for affiliate in &org.affiliates {
        let mut affiliate = affiliate.clone();
        affiliate
            .custom_fields
            .retain(|field, _| offered.contains(&field.as_str()));
        affiliate_text(&mut text, &name, affiliate, &living);
    }
    text
}

fn one_line(thing: &Known) -> (String, String) {
    (thing.id.clone(), inline(&thing.fields))
}

fn is_retired(fields: &Map<String, Value>) -> bool {
    fields.get("retired") == Some(&Value::Bool(true))
}

/// Keys may have any name, even the same: the tables are called by what of it can be an id. A key of a program that is none of
/// `programs` opens nothing.
fn key_tables(keys: &[Key], programs: &[&str]) -> Vec<(String, String)> {
    let mut used = BTreeMap::<String, u32>::new();
    let opens = |key: &&Key| {
        let program = key.fields.get("program").and_then(Value::as_str);
        program.is_none_or(|program| programs.contains(&program))
    };
    let each = keys.iter().filter(opens).map(|key| {
        let id = id_of(&key.name);
        let times = used.entry(id.clone()).or_default();
        *times += 1;
        let id = if *times == 1 { id } else { format!("{id}.{times}") };
        let mut fields = key.fields.clone();
        fields.insert("key_sha256".to_owned(), key.hash.clone().into());
        if id != key.name {
            fields.insert("name".to_owned(), key.name.clone().into());
        }
        (id, inline(&fields))
    });
    each.collect()
}

/// Room is left for a number.
fn id_of(name: &str) -> String {
    let id = name.chars().take(80).map(|c| {
        if c.is_ascii_alphanumeric() || matches!(c, '-' | '_') {
            c
        } else {
            '-'
        }
    });
    let id: String = id.collect();
    if id.is_empty() { "key".to_owned() } else { id }
}

fn program_text(text: &mut String, org: &str, program: &Known) {
    let name = format!("{org}.programs.{}", toml_text::key(&program.id));
    let mut fields = program.fields.clone();
    let rules: Vec<_> = RULES
        .iter()
        .filter_map(|rule| Some((*rule, known::object(fields.remove(*rule)?))))
        .collect();
    text.push_str(&header(&name));
    lines(text, &fields);
    for (rule, things) in rules {
        let things = things
            .into_iter()
            .map(|(id, fields)| (id, known::object(fields)))
            .filter(|(_, fields)| !is_retired(fields));
        let mut things: Vec<_> = things.map(|(id, fields)| (id, inline(&fields))).collect();
        // level-2 before level-10.
        things.sort_by_key(|(id, _)| if rule == "levels" { id.len() } else { 0 });
        section(text, &format!("{name}.{rule}"), &things, "");
    }
}

/// Without its part in programs that are none of `programs`.
fn affiliate_text(text: &mut String, org: &str, affiliate: Affiliate, programs: &[&str]) {
    let name = format!("{org}.affiliates.{}", toml_text::key(&affiliate.id));
    let mut fields = affiliate.fields;
    let parts = fields.remove("programs").map(known::object).unwrap_or_default();
    fields.insert("meta_data".to_owned(), Value::Object(affiliate.meta_data));
    fields.insert("custom_fields".to_owned(), Value::Object(affiliate.custom_fields));
    text.push_str(&header(&name));
    lines(text, &fields);
    let parts = parts
        .into_iter()
        .filter(|(program, _)| programs.contains(&program.as_str()));
    let parts: Vec<_> = parts
        .map(|(program, part)| (program, inline(&known::object(part))))
        .collect();
    section(text, &format!("{name}.programs"), &parts, "");
}

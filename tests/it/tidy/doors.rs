//! The doors to money and to events: what writes their tables is found by its SQL; it lies in `common::db`, no other crate can
//! call it, and of `common` only the modules do that may.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    files,
    modules::{Crate, File},
};

/// Tables, and the folders whose code may call what writes them.
struct Door {
    tables: &'static [&'static str],
    callers: &'static [&'static str],
    instead: &'static str,
}

const DOORS: [Door; 2] = [
    Door {
        tables: &[
            "conversions",
            "refunds",
            "commissions",
            "customers",
            "customer_programs",
            "transfers",
            "balances",
            "payments",
            "clicks",
            "sessions",
            "bonus_awards",
            "idempotency_keys",
        ],
        callers: &["common/src/apply/"],
        instead: "make it an event, which common::apply decides and writes",
    },
    Door {
        tables: &["events", "event_failures", "event_actions"],
        callers: &["common/src/apply/", "common/src/ops/"],
        instead: "call common::apply::event_rows, or, for what operators do, common::ops",
    },
];

/// A function that writes such a table, itself or by what it calls in its own file.
#[derive(Debug, PartialEq, Eq)]
struct Writer {
    file: String,
    name: String,
    visibility: String,
    tables: BTreeSet<&'static str>,
}

fn words(sql: &str) -> Vec<&str> {
    let words = sql.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.filter(|word| !word.is_empty()).collect()
}

/// The tables that a statement writes.
fn written_by(sql: &str) -> BTreeSet<&'static str> {
    let words = words(sql);
    let writes = |table: &str| {
        words.windows(2).any(|two| *two == ["COPY", table])
            || words.windows(3).any(|three| match three {
                ["INSERT" | "MERGE", "INTO", name] | ["DELETE", "FROM", name] | ["UPDATE", name, ..] => {
                    *name == table
                }
                _ => false,
            })
    };
    let tables = DOORS.iter().flat_map(|door| door.tables);
    tables.copied().filter(|table| writes(table)).collect()
}

fn written_by_all(texts: &[String]) -> BTreeSet<&'static str> {
    texts.iter().flat_map(|text| written_by(text)).collect()
}

/// Whether any statement among these texts changes any row or table.
pub(super) fn is_writing(texts: &[String]) -> bool {
    let is_write = |words: &[&str]| {
        matches!(
            words,
            ["INSERT" | "MERGE", "INTO", ..]
                | ["DELETE", "FROM", ..]
                | ["UPDATE", _, "SET" | "AS"]
                | ["TRUNCATE" | "COPY", ..]
        )
    };
    texts.iter().any(|text| words(text).windows(3).any(is_write))
}

/// The writing functions of a file.
fn writers(file: &File) -> Vec<Writer> {
    let code = &file.code;
    let mut tables: BTreeMap<&str, BTreeSet<&'static str>> = BTreeMap::new();
    let constants = code.constants.iter().map(|(name, texts)| (name, texts));
    let functions = code
        .functions
        .iter()
        .map(|function| (&function.name, &function.texts));
    for (name, texts) in constants.chain(functions) {
        tables.entry(name).or_default().extend(written_by_all(texts));
    }
    // Until nothing is added any more: who names a writer writes.
    loop {
        let mut added = Vec::new();
        for function in &code.functions {
            let named = function.names.iter().filter(|path| path.len() == 1).flatten();
            let through = named.filter_map(|name| tables.get(name.as_str())).flatten();
            let through: BTreeSet<_> = through.copied().collect();
            if !through.is_subset(&tables[function.name.as_str()]) {
                added.push((function.name.as_str(), through));
            }
        }
        if added.is_empty() {
            break;
        }
        for (name, through) in added {
            tables.entry(name).or_default().extend(through);
        }
    }
    let writing = code
        .functions
        .iter()
        .filter(|function| !tables[function.name.as_str()].is_empty());
    writing
        .map(|function| Writer {
            file: file.path.clone(),
            name: function.name.clone(),
            visibility: function.visibility.clone(),
            tables: tables[function.name.as_str()].clone(),
        })
        .collect()
}

/// What stands open, or is gone through by others.
fn wrong(common: &Crate) -> Vec<String> {
    let product = || common.files.iter().filter(|file| !file.is_test);
    let all: Vec<Writer> = product().flat_map(writers).collect();
    let mut wrong = Vec::new();
    for file in product() {
        let seen: BTreeSet<_> = all
            .iter()
            .filter(|writer| writer.file == file.path)
            .flat_map(|writer| writer.tables.iter().copied())
            .collect();
        for table in written_by_all(&file.code.texts).difference(&seen) {
            wrong.push(format!(
                "{}: writes {table} in a method: make it a function, which this rule can see",
                file.path
            ));
        }
    }
    for writer in &all {
        let Writer {
            file, name, tables, ..
        } = writer;
        if !file.starts_with("common/src/db/") {
            wrong.push(format!(
                "{file}: {name} writes {tables:?}: SQL that does lies in common::db"
            ));
        }
        if writer.visibility == "pub" {
            wrong.push(format!(
                "{file}: {name} writes {tables:?} and is `pub`: make it `pub(crate)`"
            ));
        }
    }
    for file in product() {
        for (target, item, line) in common.items(file) {
            if target.path == file.path {
                continue;
            }
            let Some(writer) = all
                .iter()
                .find(|writer| writer.file == target.path && writer.name == item)
            else {
                continue;
            };
            let is_reexport = file
                .code
                .imports
                .iter()
                .any(|import| import.is_reexport && import.line == line);
            for door in &DOORS {
                let is_through = door.tables.iter().any(|table| writer.tables.contains(table));
                if is_through
                    && !is_reexport
                    && !door.callers.iter().any(|folder| file.path.starts_with(folder))
                {
                    wrong.push(format!(
                        "{}:{line} calls {item} of {}: {}",
                        file.path, target.path, door.instead
                    ));
                }
            }
        }
    }
    wrong
}

#[test]
fn money_and_events_have_their_doors() {
    let common = Crate::read("common", "common/src", &files::rust());
    let count = common
        .files
        .iter()
        .filter(|file| !file.is_test)
        .flat_map(writers)
        .count();
    // The rule sees them: there is one for nearly each table.
    assert!(
        count >= 12,
        "only {count} writing functions are found: is their SQL written otherwise now?"
    );
    super::none(&wrong(&common), "writes of money and events");
}

/// What is wrong with a crate that has one door, through which apply goes, and this file.
fn planted(path: &str, text: &str) -> Vec<String> {
    let db = "pub(crate) mod conversions; pub(crate) use conversions::write as write_all;";
    let writer =
        "pub(crate) async fn write() { sqlx::query!(\n\"INSERT INTO\n    conversions (a) VALUES (1)\"); }";
    let sources = [
        files::Source::new("common/src/lib.rs", "mod apply; mod db; mod ops; mod reads;"),
        files::Source::new("common/src/db/mod.rs", db),
        files::Source::new("common/src/db/conversions.rs", writer),
        files::Source::new(path, text),
    ];
    wrong(&Crate::read("common", "common/src", &sources))
}

#[test]
fn planted_doors_are_found() {
    for (path, text, what) in [
        (
            "common/src/reads/x.rs",
            "use crate::db::conversions; fn f() { conversions::write(); }",
            "calls write",
        ),
        (
            "common/src/reads/x.rs",
            "fn f() { crate::db::write_all(); }",
            "calls write",
        ),
        (
            "common/src/reads/x.rs",
            "use crate::db::conversions::write as read;",
            "calls write",
        ),
        (
            "common/src/ops/x.rs",
            "use crate::db::conversions::write;",
            "calls write",
        ),
        (
            "common/src/db/x.rs",
            "pub fn f() { query(\"UPDATE balances SET a = 1\") }",
            "is `pub`",
        ),
        (
            "common/src/db/x.rs",
            "const SQL: &str = \"DELETE FROM refunds\"; pub fn f() { query(SQL) }",
            "is `pub`",
        ),
        (
            "common/src/db/x.rs",
            "fn g() { query(\"DELETE FROM refunds\") } pub fn f() { g() }",
            "is `pub`",
        ),
        (
            "common/src/db/x.rs",
            "impl X { fn f() { query(\"DELETE FROM refunds\") } }",
            "in a method",
        ),
        (
            "common/src/reads/x.rs",
            "fn f() { query(\"WITH x AS (INSERT INTO payments SELECT 1) SELECT 1\") }",
            "lies in common::db",
        ),
    ] {
        let found = planted(path, text);
        assert_eq!(found.len(), 1, "{text}: {found:?}");
        assert!(found[0].contains(what), "{text}: {found:?}");
    }
}

#[test]
fn what_is_no_door_is_not_found() {
    for (path, text) in [
        (
            "common/src/apply/x.rs",
            "use crate::db::conversions; fn f() { conversions::write(); }",
        ),
        (
            "common/src/reads/x.rs",
            "fn f() { query(\"SELECT 1 FROM conversions FOR UPDATE\") }",
        ),
        (
            "common/src/db/x.rs",
            "pub fn f() { query(\"UPDATE programs SET a = 1\") }",
        ),
        (
            "common/src/reads/x.rs",
            "// crate::db::conversions::write()\n#[cfg(test)]\nuse crate::db::conversions::write;",
        ),
    ] {
        let found = planted(path, text);
        assert!(found.is_empty(), "{text}: {found:?}");
    }
}

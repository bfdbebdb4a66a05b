//! Rules of migrations/README.md that can be read from the files.

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};

use super::files::{self, Source};

/// The last migration before these rules.
const LAST_BEFORE: &str = "0008";
/// Tables with so few rows that reading them holds nobody up.
const SMALL: [&str; 3] = ["spool", "schedules", "settings"];
const OUTSIDE_TRANSACTION: &str = "-- no-transaction\n";

fn migrations() -> Vec<Source> {
    files::written()
        .into_iter()
        .filter(|source| source.path.starts_with("migrations/") && source.is_a("sql"))
        .collect()
}

/// A file's statements, without comments and in single spaces. Bodies of functions are parts of theirs.
fn statements(sql: &str) -> Vec<String> {
    let lines = sql
        .lines()
        .map(|line| line.split("--").next().unwrap_or_default());
    let text = lines.collect::<Vec<_>>().join(" ");
    let mut statements = vec![String::new()];
    // What stands between dollars, and outside of them in turn.
    for (number, part) in text.split("$$").enumerate() {
        let mut pieces: Vec<&str> = if number % 2 == 0 {
            part.split(';').collect()
        } else {
            vec![part]
        };
        let first = pieces.remove(0);
        statements.last_mut().unwrap().push_str(first);
        statements.extend(pieces.into_iter().map(str::to_owned));
    }
    let words = statements
        .iter()
        .map(|statement| statement.split_whitespace().collect::<Vec<_>>().join(" "));
    words.filter(|statement| !statement.is_empty()).collect()
}

/// What a new migration does that old code, or a large table, does not survive.
fn wrong(path: &str, sql: &str) -> Vec<String> {
    let statements = statements(sql);
    let mut wrong = Vec::new();
    let is_outside = sql.starts_with(OUTSIDE_TRANSACTION);
    if is_outside && statements.len() != 1 {
        wrong.push(format!(
            "{path}: several statements after -- no-transaction: one a file"
        ));
    }
    let is_made_here = |table: &str| {
        statements
            .iter()
            .any(|made| made.contains(&format!("TABLE {table} (")) && made.starts_with("CREATE"))
    };
    for statement in &statements {
        let words: Vec<&str> = statement.split(' ').collect();
        let is_index = matches!(
            words.as_slice(),
            ["CREATE", "INDEX", ..] | ["CREATE", "UNIQUE", "INDEX", ..]
        );
        let table = words
            .iter()
            .position(|word| *word == "ON")
            .and_then(|on| words.get(on + 1));
        let table = table.map_or("", |table| table.split('(').next().unwrap_or_default());
        let is_concurrent = words.contains(&"CONCURRENTLY");
        // On a partitioned parent alone nothing is built.
        let builds = table != "ONLY" && !SMALL.contains(&table);
        if is_index && !is_concurrent && !is_made_here(table) && builds {
            wrong.push(format!("{path}: an index on {table}, which is there already: CONCURRENTLY, alone in a file after -- no-transaction"));
        }
        if is_concurrent && !is_outside {
            wrong.push(format!(
                "{path}: CONCURRENTLY within a transaction: the file must begin with -- no-transaction"
            ));
        }
        let is_constraint = statement.contains(" ADD CONSTRAINT ")
            && (statement.contains(" CHECK ") || statement.contains(" FOREIGN KEY "));
        if is_constraint && !statement.ends_with("NOT VALID") {
            wrong.push(format!("{path}: a constraint that reads the whole table: NOT VALID here, VALIDATE in the next migration"));
        }
    }
    wrong
}

#[test]
fn released_migrations_are_not_edited() {
    let released = files::read("migrations/released.sha256");
    let sums: BTreeMap<String, String> = migrations()
        .into_iter()
        .map(|source| {
            let name = source.path.trim_start_matches("migrations/").to_owned();
            (name, hex::encode(Sha256::digest(&source.text)))
        })
        .collect();
    for line in released.lines() {
        let (sum, name) = line.split_once("  ").unwrap();
        assert_eq!(
            sums.get(name).map(String::as_str),
            Some(sum),
            "{name} is out and was edited: take it back, and put the change into a migration of its own"
        );
    }
}

#[test]
fn new_migrations_are_survived() {
    let new = migrations().into_iter().filter(|source| {
        source.path.trim_start_matches("migrations/") > LAST_BEFORE && !source.path.contains(LAST_BEFORE)
    });
    let found: Vec<_> = new.flat_map(|source| wrong(&source.path, &source.text)).collect();
    super::none(&found, "migrations/README.md");
}

#[test]
fn planted_migrations_are_found() {
    for (sql, what) in [
        ("CREATE INDEX x ON customers (org_id);", "an index on customers"),
        (
            "CREATE UNIQUE INDEX x ON customers(org_id);",
            "an index on customers",
        ),
        (
            "-- Why.\nCREATE INDEX CONCURRENTLY x ON customers (org_id);",
            "within a transaction",
        ),
        (
            "-- no-transaction\nCREATE INDEX CONCURRENTLY x ON a (b); ANALYZE a;",
            "several statements",
        ),
        (
            "ALTER TABLE a ADD CONSTRAINT c CHECK (b > 0);",
            "reads the whole table",
        ),
    ] {
        let found = wrong("planted.sql", sql);
        assert_eq!(found.len(), 1, "{sql}: {found:?}");
        assert!(found[0].contains(what), "{sql}: {found:?}");
    }
    for sql in [
        "-- no-transaction\n-- Why; and how.\nCREATE INDEX CONCURRENTLY x ON a (b)\n    WHERE c;\n",
        "CREATE TABLE a (b int);\nCREATE INDEX x ON a (b);",
        "CREATE INDEX x ON spool (b);",
        "CREATE INDEX x ON ONLY events (b);",
        "CREATE UNLOGGED TABLE a (b int);\nCREATE INDEX x ON a(b);",
        "ALTER TABLE a ADD CONSTRAINT c CHECK (b > 0) NOT VALID;",
        "-- CREATE INDEX x ON customers (org_id);\nALTER TABLE a ADD COLUMN b text;",
        "CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN\n CREATE INDEX x ON a (b); END; $$;",
    ] {
        assert!(
            wrong("planted.sql", sql).is_empty(),
            "{sql}: {:?}",
            wrong("planted.sql", sql)
        );
    }
}

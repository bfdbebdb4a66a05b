//! The map of docs/ARCHITECTURE.md as rules: what each folder must never do, and which paths its code may therefore not name.

use std::collections::BTreeSet;

use super::{
    cells::{MAP, Rule},
    files,
    modules::{Crate, File},
};

/// What a file says against a rule, with its line.
fn violations(
    rule: &Rule,
    krate: &Crate,
    file: &File,
    folder: &str,
    libraries: &BTreeSet<String>,
) -> Vec<String> {
    let named = || krate.named(file).into_iter();
    let begins = |path: &[String], with: &str| {
        let with: Vec<&str> = with.split("::").collect();
        path.len() >= with.len() && path.iter().zip(&with).all(|(segment, want)| segment == want)
    };
    let is_at_home = |path: &[String]| begins(path, &module_path(folder, krate));
    let found: Vec<_> = match rule {
        Rule::Never(paths) => named()
            .filter(|named| paths.iter().any(|path| names(&named.path, path)))
            .collect(),
        Rule::Only(of, allowed) => named()
            .filter(|named| begins(&named.path, of) && named.path.len() > of.split("::").count())
            .filter(|named| !is_at_home(&named.path))
            // A module alone is no use of what it has.
            .filter(|named| {
                !allowed
                    .iter()
                    .any(|path| begins(&named.path, path) || is_prefix(&named.path, path))
            })
            .collect(),
        Rule::Libraries(allowed) => named()
            .filter(|named| (named.is_import || named.path.len() > 1) && libraries.contains(&named.path[0]))
            .filter(|named| !allowed.contains(&named.path[0].as_str()))
            .collect(),
        Rule::ReadsOnly => {
            let is_writing = super::doors::is_writing(&file.code.texts);
            return is_writing
                .then(|| format!("{}:1 has a statement that writes", file.path))
                .into_iter()
                .collect();
        }
        Rule::Except(files, rule) => {
            return if files.contains(&file.path.as_str()) {
                Vec::new()
            } else {
                violations(rule, krate, file, folder, libraries)
            };
        }
    };
    found
        .into_iter()
        .map(|named| format!("{}:{} names {}", file.path, named.line, named.text()))
        .collect()
}

/// Whether a path names what a pattern means.
fn names(path: &[String], pattern: &str) -> bool {
    let inside = pattern.strip_prefix("..");
    let want: Vec<&str> = inside.unwrap_or(pattern).split("::").collect();
    let mut windows = path.windows(want.len());
    let fits = |window: &[String]| {
        let mut pairs = window.iter().zip(&want);
        pairs.all(|(segment, want)| segment == want || segment == "*")
    };
    if inside.is_some() {
        windows.any(fits)
    } else {
        windows.next().is_some_and(fits)
    }
}

fn is_prefix(path: &[String], of: &str) -> bool {
    let of: Vec<&str> = of.split("::").collect();
    path.len() < of.len() && path.iter().zip(&of).all(|(segment, want)| segment == want)
}

/// `common/src/db` is `common::db`, and a whole crate itself.
fn module_path(folder: &str, krate: &Crate) -> String {
    match folder.split_once("/src/") {
        Some((_, module)) => format!("{}::{}", krate.name, module.replace('/', "::")),
        None => krate.name.clone(),
    }
}

fn all_violations(crates: &[Crate], libraries: &BTreeSet<String>) -> Vec<String> {
    let mut found = Vec::new();
    for cell in MAP {
        for krate in crates {
            let files = krate.files.iter().filter(|file| !file.is_test);
            for file in files.filter(|file| file.path.starts_with(&format!("{}/", cell.folder))) {
                for rule in cell.rules {
                    let broken = violations(rule, krate, file, cell.folder, libraries);
                    found.extend(
                        broken
                            .into_iter()
                            .map(|what| format!("{what} ({} must never {})", cell.folder, cell.must_never)),
                    );
                }
            }
        }
    }
    found
}

/// The libraries of the workspace, as code names them.
fn libraries() -> BTreeSet<String> {
    let manifest = files::read("Cargo.toml");
    let (_, rest) = manifest.split_once("[workspace.dependencies]").unwrap();
    let (section, _) = rest.split_once("\n[").unwrap();
    let names = section
        .lines()
        .filter_map(|line| line.split_once('='))
        .map(|(name, _)| name.trim().replace('-', "_"));
    let ours = ["common", "ingest", "worker", "api"];
    names
        .filter(|name| !name.starts_with('#') && !ours.contains(&name.as_str()))
        .collect()
}

#[test]
fn the_map_holds() {
    let sources = files::rust();
    let crates = super::modules::crates(&sources);
    super::none(
        &all_violations(&crates, &libraries()),
        "docs/ARCHITECTURE.md, the map: move it where it may, or change the map and this rule as a decision",
    );
}

#[test]
fn every_folder_of_common_is_on_the_map() {
    let has_cell = |path: &str| {
        MAP.iter()
            .any(|cell| path.starts_with(&format!("{}/", cell.folder)))
    };
    let lost: BTreeSet<String> = files::rust()
        .into_iter()
        .filter_map(|source| source.path.strip_prefix("common/src/").map(str::to_owned))
        .filter(|path| path.contains('/') && !has_cell(&format!("common/src/{path}")))
        .filter_map(|path| Some(path.split_once('/')?.0.to_owned()))
        .collect();
    let lost: Vec<_> = lost.into_iter().collect();
    super::none(
        &lost,
        "folders of common that are not on the map: say what they must never do",
    );
}

#[test]
fn the_map_in_the_documentation_is_this_one() {
    let page = files::read("docs/ARCHITECTURE.md");
    let rows = page.lines().filter(|line| line.starts_with("| `"));
    let told: Vec<(String, String)> = rows
        .map(|row| {
            let cells: Vec<_> = row.trim_matches('|').split(" | ").map(str::trim).collect();
            (cells[0].trim_matches('`').to_owned(), cells[2].to_owned())
        })
        .filter(|(_, must_never)| !must_never.is_empty())
        .collect();
    let held: Vec<_> = MAP
        .iter()
        .map(|cell| (cell.folder.to_owned(), cell.must_never.to_owned()))
        .collect();
    assert_eq!(
        told, held,
        "docs/ARCHITECTURE.md and MAP say the same, in the same order"
    );
}

/// What the map says of one file of a crate.
fn planted(path: &str, text: &str) -> Vec<String> {
    let (folder, _) = path.split_once("/src/").unwrap();
    let name = if folder == "cli" { "commissary" } else { folder };
    let krate = Crate::read(name, &format!("{folder}/src"), &[files::Source::new(path, text)]);
    let libraries = ["tokio", "sqlx", "made_up"].map(str::to_owned).into();
    all_violations(&[krate], &libraries)
}

#[test]
fn each_rule_finds_what_is_planted() {
    for cell in MAP {
        let folder = if cell.folder.contains("/src") {
            cell.folder.to_owned()
        } else {
            format!("{}/src", cell.folder)
        };
        let path = format!("{folder}/planted.rs");
        let check = |text: String| {
            let found = planted(&path, &text);
            assert!(
                found.iter().any(|what| what.starts_with(&format!("{path}:2 "))),
                "{path}: {text}: {found:?}"
            );
        };
        let mut rules: Vec<&Rule> = cell.rules.iter().collect();
        while let Some(rule) = rules.pop() {
            match rule {
                Rule::Never(paths) => {
                    for forbidden in *paths {
                        match forbidden.strip_prefix("..") {
                            Some(inside) => check(format!("//! Head.\nfn f() {{ any::{inside}; }}")),
                            None if *forbidden == "async" => check("//! Head.\nasync fn f() {}".to_owned()),
                            None => check(format!("//! Head.\nfn f() {{ {forbidden}::x(); }}")),
                        }
                    }
                }
                Rule::Only(of, _) => check(format!("//! Head.\nuse {of}::planted_elsewhere::Thing;")),
                Rule::ReadsOnly => {
                    let found = planted(
                        &path,
                        "//! Head.\nfn f() { query(\"WITH x AS (UPDATE a SET b = 1) SELECT\") }",
                    );
                    assert_eq!(found.len(), 1, "{found:?}");
                }
                Rule::Libraries(_) => check("//! Head.\nuse made_up::Thing;".to_owned()),
                Rule::Except(files, rule) => {
                    for file in *files {
                        // One that is gone must not stay an exception.
                        files::read(file);
                    }
                    rules.push(rule);
                }
            }
        }
    }
}

#[test]
fn paths_are_found_however_they_are_written() {
    for code in [
        "use tokio::spawn;",
        "use tokio::{select, time::{self, sleep}};",
        "use tokio as runtime;",
        "use chrono::Utc; use std::time::*;",
        "fn f() { tokio::spawn(g()); }",
        "fn f() { ::tokio::spawn(g()); }",
        "fn f() { if x { println!(\"{}\", tokio::f()); } }",
        "macro_rules! m { () => { tokio::f() }; }",
        "mod inner { use tokio::f; }",
        "use crate::db::Pool;",
        "use super::super::db::Pool;",
        "use common::db::Pool;",
        "use chrono::Utc; fn f() { Utc::now(); }",
        "use chrono::Utc as Zone; fn f() { Zone::now(); }",
        "use std::time::SystemTime;",
        "use std::time::Instant as Moment; fn f() { Moment::now(); }",
        "fn f() -> impl Future { async { 1 } }",
        "#[derive(sqlx::FromRow)] struct Row;",
    ] {
        let found = planted("common/src/domain/money.rs", code);
        assert!(!found.is_empty(), "{code}");
    }
}

#[test]
fn what_is_no_code_of_the_product_is_not_found() {
    for code in [
        "//! tokio::spawn and crate::db\n\n/// [`tokio::spawn`], see crate::db\nfn f() {}",
        "// tokio::spawn\n/* use sqlx::query; /* nested */ tokio::f() */",
        "const TEXT: &str = \"tokio::spawn(\\\"x\\\"); use crate::db;\";",
        "const TEXT: &str = r#\"use \"tokio::spawn\";\"#; const QUOTE: char = '\"'; const MARK: char = '\\'';",
        "#[cfg(test)]\nmod tests { use tokio::spawn; async fn f() {} }",
        "#[cfg(test)]\nuse tokio::{spawn, select};\nfn f() {}",
        "#[cfg(any(test, feature = \"testing\"))]\nasync fn f() { tokio::f() }\nfn g() {}",
        "struct S { #[cfg(test)] handle: tokio::Handle, plain: u8 }",
        "impl S { #[cfg(test)] async fn f() { tokio::f() } fn g() {} }",
        "fn f() { value.tokio.spawn(); value.r#async; }",
        "fn f<'tokio>(x: &'tokio str) {}",
        "fn f() { let tokio = 1; tokio + 1; }",
        "use std::time::Duration;",
        "use super::commission::Rate; use crate::domain::ledger;",
    ] {
        let found = planted("common/src/domain/money.rs", code);
        assert!(found.is_empty(), "{code}: {found:?}");
    }
}

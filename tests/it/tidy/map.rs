//! The map of docs/ARCHITECTURE.md as rules: what each folder must never do, and which paths its code may therefore not name.

use std::collections::BTreeSet;

use super::{
    files,
    modules::{Crate, File},
};

/// A row of the map.
struct Cell {
    folder: &'static str,
    /// As the map says it.
    must_never: &'static str,
    rules: &'static [Rule],
}

/// What the product code of a folder may not name. A path `a::b` means all that begins with it, `..b::c` all that has it inside.
enum Rule {
    /// These paths.
    Never(&'static [&'static str]),
    /// Of what begins with the first path only these, and what the folder itself has.
    Only(&'static str, &'static [&'static str]),
    /// Of other people's crates only these, and the standard library.
    Libraries(&'static [&'static str]),
    /// Its statements change no row.
    ReadsOnly,
    /// The rule holds for all files but these.
    Except(&'static [&'static str], &'static Rule),
}

const CLOCKS: Rule = Rule::Never(&[
    "..Utc::now",
    "..Local::now",
    "std::time::SystemTime",
    "std::time::Instant",
]);
const DATABASE_OR_BROKER: Rule = Rule::Never(&["sqlx", "lapin"]);
const BROKER_OR_HTTP: Rule = Rule::Never(&["lapin", "axum"]);
/// What tables and queues need.
const STORES: Rule = Rule::Only(
    "common",
    &[
        "common::domain",
        "common::message",
        "common::runtime",
        "common::telemetry",
    ],
);
/// What those need who apply many events in batches.
const OF_BATCHES: Rule = Rule::Only(
    "common",
    &[
        "common::apply",
        "common::bulk",
        "common::db",
        "common::domain",
        "common::message",
    ],
);

const MAP: &[Cell] = &[
    Cell {
        folder: "common/src/domain",
        must_never: "be async, read a clock, do I/O, name another module",
        rules: &[
            Rule::Only("common", &[]),
            CLOCKS,
            Rule::Never(&[
                "async",
                "std::env",
                "std::fs",
                "std::io",
                "std::net",
                "std::process",
                "std::thread",
            ]),
            Rule::Libraries(&[
                "chrono",
                // Ids of traces are hexadecimal digits.
                "hex",
                "iso_currency",
                // Products of amounts have more digits than a decimal.
                "num_bigint",
                "rust_decimal",
                // Names of countries.
                "rust_iso3166",
                "serde",
                "serde_json",
                "sqids",
                "strum",
                "thiserror",
                // What the api says of the domain's types is derived beside them.
                "utoipa",
                "uuid",
            ]),
        ],
    },
    Cell {
        folder: "common/src/message",
        must_never: "know a database or a broker",
        rules: &[
            Rule::Only("common", &["common::domain"]),
            DATABASE_OR_BROKER,
            Rule::Never(&["async", "tokio"]),
        ],
    },
    Cell {
        folder: "common/src/db",
        must_never: "know who calls it; name the broker",
        rules: &[STORES, Rule::Never(&["lapin", "axum"])],
    },
    Cell {
        folder: "common/src/queue",
        must_never: "name the database; know events inside `amqp`",
        rules: &[STORES, Rule::Never(&["sqlx", "axum"])],
    },
    Cell {
        folder: "common/src/queue/amqp",
        must_never: "know events",
        rules: &[Rule::Only("common", &["common::runtime", "common::telemetry"])],
    },
    Cell {
        folder: "common/src/apply",
        must_never: "retry, acknowledge, answer",
        rules: &[
            Rule::Only("common", &["common::db", "common::domain", "common::message"]),
            DATABASE_OR_BROKER,
            Rule::Never(&["tokio"]),
        ],
    },
    Cell {
        folder: "common/src/bulk",
        must_never: "write a table itself; name the broker or HTTP",
        rules: &[OF_BATCHES, Rule::ReadsOnly, BROKER_OR_HTTP],
    },
    Cell {
        folder: "common/src/approval",
        must_never: "write a table itself; name the broker or HTTP",
        rules: &[OF_BATCHES, Rule::ReadsOnly, BROKER_OR_HTTP],
    },
    Cell {
        folder: "common/src/recalculation",
        must_never: "write a table itself; name the broker or HTTP",
        // A preview supposes rules.
        rules: &[
            Rule::Except(&["common/src/recalculation/recalculate.rs"], &OF_BATCHES),
            Rule::ReadsOnly,
            BROKER_OR_HTTP,
        ],
    },
    Cell {
        folder: "common/src/reads",
        must_never: "write",
        rules: &[
            Rule::ReadsOnly,
            Rule::Only(
                "common",
                &[
                    "common::db",
                    "common::domain",
                    "common::message",
                    "common::tapfiliate_json",
                ],
            ),
            Rule::Never(&["lapin", "axum"]),
        ],
    },
    Cell {
        folder: "common/src/ops",
        must_never: "change an applied event; name the broker or HTTP",
        rules: &[
            Rule::Only(
                "common",
                &[
                    "common::db",
                    "common::domain",
                    "common::message",
                    "common::reads",
                    "common::telemetry",
                ],
            ),
            Rule::Never(&["lapin", "axum"]),
        ],
    },
    Cell {
        folder: "common/src/catalog",
        must_never: "write money; name the broker or HTTP",
        rules: &[
            Rule::Only("common", &["common::db", "common::domain", "common::runtime"]),
            Rule::Never(&["lapin", "axum"]),
        ],
    },
    Cell {
        folder: "common/src/http",
        must_never: "know a table or an event",
        rules: &[
            Rule::Only(
                "common",
                &["common::domain", "common::runtime", "common::telemetry"],
            ),
            DATABASE_OR_BROKER,
        ],
    },
    Cell {
        folder: "common/src/tapfiliate_json",
        must_never: "know a database or HTTP",
        rules: &[
            Rule::Only("common", &["common::domain"]),
            DATABASE_OR_BROKER,
            Rule::Never(&["axum"]),
        ],
    },
    Cell {
        folder: "common/src/runtime",
        must_never: "know what the product does",
        rules: &[Rule::Only("common", &["common::telemetry"]), DATABASE_OR_BROKER],
    },
    Cell {
        folder: "common/src/telemetry",
        must_never: "know what the product does, but for the names of labels and traces",
        rules: &[
            Rule::Only(
                "common",
                &[
                    "common::domain::Dialect",
                    "common::domain::Reason",
                    "common::domain::TraceParent",
                    "common::runtime",
                ],
            ),
            DATABASE_OR_BROKER,
        ],
    },
    Cell {
        folder: "ingest",
        must_never: "decide about money; use the database on the request path",
        rules: &[
            Rule::Never(&[
                "common::apply",
                "common::reads",
                "common::catalog",
                "common::domain::decide",
                "common::domain::World",
            ]),
            // What fetches keys, writes the overflow and fetches outcomes, each behind the requests.
            Rule::Except(
                &[
                    "ingest/src/auth/keys.rs",
                    "ingest/src/auth/refresh.rs",
                    "ingest/src/pipeline/parts.rs",
                    "ingest/src/pipeline/publisher.rs",
                    "ingest/src/pipeline/reader.rs",
                ],
                &Rule::Only(
                    "common::db",
                    &[
                        "common::db::keys::ApiKey",
                        "common::db::keys::Client",
                        "common::db::keys::PixelKey",
                        "common::db::keys::Scope",
                        "common::db::keys::Timezone",
                    ],
                ),
            ),
        ],
    },
    Cell {
        folder: "worker",
        must_never: "hold rules of money",
        rules: &[
            // The numbers of money.
            Rule::Never(&["rust_decimal", "iso_currency"]),
            Rule::Only(
                "common::domain",
                &[
                    "common::domain::BonusDue",
                    "common::domain::Body::Scheduled",
                    "common::domain::CommissionId",
                    "common::domain::Decision",
                    "common::domain::Dialect",
                    "common::domain::Event",
                    "common::domain::EventId",
                    "common::domain::Incoming",
                    "common::domain::OrgId",
                    "common::domain::Outcome",
                    "common::domain::Repetition",
                    "common::domain::Scheduled",
                    "common::domain::Repetition",
                    "common::domain::RowWrite",
                    "common::domain::entities::Schedule",
                    "common::domain::entities::ScheduleKind",
                ],
            ),
        ],
    },
    Cell {
        folder: "api",
        must_never: "write money except through `common::apply`, in its own transaction, as an event like any other",
        rules: &[Rule::Only(
            "common::db",
            &[
                "common::db::Connection",
                "common::db::DbError",
                "common::db::FailureClass",
                "common::db::Pool",
                "common::db::Transaction",
                "common::db::audit",
                "common::db::begin",
                "common::db::commit",
                "common::db::idempotent_answers",
                "common::db::in_transaction",
                "common::db::keys",
            ],
        )],
    },
    Cell {
        folder: "cli",
        must_never: "hold logic that a role needs",
        rules: &[],
    },
];

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

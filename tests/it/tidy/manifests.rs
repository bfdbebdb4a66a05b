//! Which crate may know which: read from their manifests.

use super::files;

/// Each crate, and those of ours that it may depend on. Crates of one rank do not know each other.
const ALLOWED: [(&str, &[&str]); 6] = [
    ("common", &[]),
    ("ingest", &["common"]),
    ("worker", &["common"]),
    ("api", &["common"]),
    ("cli", &["common", "ingest", "worker", "api"]),
    ("tests", &["common"]),
];

/// The names under `[dependencies]` and other sections of that kind.
fn dependencies(manifest: &str) -> Vec<String> {
    let mut is_inside = false;
    let mut names = Vec::new();
    for line in manifest.lines().map(str::trim) {
        if line.starts_with('[') {
            is_inside = line.trim_matches(['[', ']']).ends_with("dependencies");
        } else if is_inside && !line.starts_with('#') {
            let name = line.split(['=', '.', ' ']).next().unwrap_or_default();
            names.extend((!name.is_empty()).then(|| name.trim_matches('"').to_owned()));
        }
    }
    names
}

/// What a crate depends on although it may not.
fn wrong(krate: &str, manifest: &str) -> Vec<String> {
    let (_, allowed) = ALLOWED.iter().find(|(name, _)| *name == krate).unwrap();
    let is_ours = |name: &str| ALLOWED.iter().any(|(ours, _)| *ours == name);
    let is_store = |name: &str| matches!(name, "sqlx" | "lapin");
    let found = dependencies(manifest).into_iter().filter(|name| {
        (is_ours(name) && name != krate && !allowed.contains(&name.as_str()))
            || (is_store(name) && krate != "common")
    });
    found
        .map(|name| format!("{krate}/Cargo.toml names {name}"))
        .collect()
}

#[test]
fn crates_know_only_those_below_them() {
    let found = files::CRATES
        .iter()
        .flat_map(|krate| wrong(krate, &files::read(&format!("{krate}/Cargo.toml"))));
    super::none(
        &found.collect::<Vec<_>>(),
        "only common may name sqlx or lapin, and arrows between crates go down only: what two of them need goes to common",
    );
}

#[test]
fn planted_dependencies_are_found() {
    let manifest = |line: &str| {
        format!("[package]\nname = \"x\"\n\n[dependencies]\n{line}\n\n[lints]\nworkspace = true\n")
    };
    for (krate, line) in [
        ("api", "ingest.workspace = true"),
        ("ingest", "worker = { path = \"../worker\" }"),
        ("common", "api.workspace = true"),
        ("worker", "sqlx = \"0.9\""),
        ("tests", "lapin.workspace = true"),
    ] {
        assert_eq!(wrong(krate, &manifest(line)).len(), 1, "{krate}: {line}");
    }
    for (krate, line) in [
        ("api", "common.workspace = true"),
        ("common", "sqlx.workspace = true"),
        ("cli", "# lapin"),
    ] {
        assert!(wrong(krate, &manifest(line)).is_empty(), "{krate}: {line}");
    }
    assert_eq!(
        wrong("api", "[dev-dependencies]\nworker.workspace = true\n").len(),
        1
    );
}

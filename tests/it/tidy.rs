//! Rules of the house that no compiler knows.

use std::path::{Path, PathBuf};

const CRATES: [&str; 6] = ["common", "ingest", "worker", "api", "cli", "tests"];
const MAX_LINES: usize = 600;
/// Folders with files that people write.
const FOLDERS: [&str; 10] = [
    "common",
    "ingest",
    "worker",
    "api",
    "cli",
    "tests",
    "migrations",
    "scripts",
    "docs",
    "demo",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// All text files below a folder, with their content.
fn files(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let is_hidden = path.file_name().unwrap().to_string_lossy().starts_with('.');
        if path.is_dir() && !is_hidden && !path.ends_with("target") {
            found.extend(files(&path));
        } else if path.is_file()
            && let Ok(text) = std::fs::read_to_string(&path)
        {
            found.push((path, text));
        }
    }
    found
}

fn written() -> Vec<(PathBuf, String)> {
    FOLDERS
        .iter()
        .flat_map(|folder| files(&root().join(folder)))
        .collect()
}

fn rust() -> impl Iterator<Item = (PathBuf, String)> {
    written()
        .into_iter()
        .filter(|(path, _)| path.extension().is_some_and(|end| end == "rs"))
}

/// Fails with all offenders, so that one run shows all there is to do.
fn none(offenders: impl Iterator<Item = PathBuf>, rule: &str) {
    let offenders: Vec<_> = offenders.collect();
    assert!(offenders.is_empty(), "{rule}: {offenders:#?}");
}

#[test]
fn no_file_is_long() {
    let long = written()
        .into_iter()
        .filter(|(_, text)| text.lines().count() > MAX_LINES);
    none(long.map(|(path, _)| path), "files of more than 600 lines");
}

#[test]
fn only_common_names_the_stores() {
    let others = CRATES
        .iter()
        .filter(|name| **name != "common")
        .map(|name| root().join(name));
    let naming = others.flat_map(|one| {
        let manifest = one.join("Cargo.toml");
        let manifest = (manifest.clone(), std::fs::read_to_string(manifest).unwrap());
        files(&one.join("src")).into_iter().chain([manifest])
    });
    let naming = naming.filter(|(_, text)| {
        let code = text
            .lines()
            .map(|line| line.split("//").next().unwrap_or_default());
        let mut words = code.flat_map(|line| line.split(|c: char| !c.is_alphanumeric() && c != '_'));
        words.any(|word| word == "sqlx" || word == "lapin")
    });
    none(naming.map(|(path, _)| path), "only common may name sqlx or lapin");
}

#[test]
fn no_test_is_skipped() {
    let mark = concat!("#[", "ignore");
    none(
        rust()
            .filter(|(_, text)| text.contains(mark))
            .map(|(path, _)| path),
        "a skipped test proves nothing",
    );
}

#[test]
fn every_module_says_what_lives_there() {
    // A file of unit tests is named after what it tests.
    let is_test = |path: &Path| {
        path.file_stem()
            .is_some_and(|name| name.to_string_lossy().ends_with("tests"))
    };
    let silent = rust().filter(|(path, text)| !text.starts_with("//! ") && !is_test(path));
    none(silent.map(|(path, _)| path), "modules without a head");
}

//! Rules of the house that no compiler knows.
//!
//! Here are those about the text of files. `map` holds the map of docs/ARCHITECTURE.md, which is `cells`, `manifests` which crate knows which,
//! `circles` that no files use each other in a circle, `doors` who writes money, `migrations` and `docs` what their names say.
//! They read Rust as tokens (`code`) and know what a path means (`modules`). Each says what to do, and has tests of its own
//! that find a planted offence.

mod cells;
mod circles;
mod code;
mod docs;
mod doors;
mod files;
mod manifests;
mod map;
mod migrations;
mod modules;

use files::Source;

const MAX_LINES: usize = 600;

/// Fails with all offenders, so that one run shows all there is to do.
fn none(offenders: &[String], rule: &str) {
    assert!(offenders.is_empty(), "{rule}:\n  {}", offenders.join("\n  "));
}

fn paths(sources: impl Iterator<Item = Source>) -> Vec<String> {
    sources.map(|source| source.path).collect()
}

#[test]
fn no_file_is_long() {
    let long = files::written()
        .into_iter()
        .filter(|source| source.text.lines().count() > MAX_LINES);
    none(
        &paths(long),
        "files of more than 600 lines: split them by what they are about",
    );
}

#[test]
fn no_test_is_skipped() {
    let mark = concat!("#[", "ignore");
    let skipped = files::rust()
        .into_iter()
        .filter(|source| source.text.contains(mark));
    none(
        &paths(skipped),
        "a skipped test proves nothing: mend it or delete it",
    );
}

#[test]
fn every_module_says_what_lives_there() {
    // A file of unit tests is named after what it tests.
    let silent = files::rust()
        .into_iter()
        .filter(|source| !source.text.starts_with("//! ") && !source.path.ends_with("tests.rs"));
    none(
        &paths(silent),
        "modules without a head: begin with `//! ` and say what lives there",
    );
}

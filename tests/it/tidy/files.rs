//! The files of the repository that people write, as they are on the disk.

use std::path::{Path, PathBuf};

pub(super) const CRATES: [&str; 6] = ["common", "ingest", "worker", "api", "cli", "tests"];
/// Folders with files that people write, besides the crates.
pub(super) const FOLDERS: [&str; 5] = ["migrations", "scripts", "docs", "demo", "deploy"];

/// A text file.
#[derive(Clone, Debug)]
pub(super) struct Source {
    /// From the repository's root, with `/`.
    pub(super) path: String,
    pub(super) text: String,
}

impl Source {
    pub(super) fn new(path: &str, text: &str) -> Self {
        Self {
            path: path.to_owned(),
            text: text.to_owned(),
        }
    }

    /// Whether its name ends so, without the dot.
    pub(super) fn is_a(&self, extension: &str) -> bool {
        Path::new(&self.path)
            .extension()
            .is_some_and(|end| end == extension)
    }
}

pub(super) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// One file, by its path from the root.
pub(super) fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// All text files that people write.
pub(super) fn written() -> Vec<Source> {
    CRATES
        .iter()
        .chain(&FOLDERS)
        .flat_map(|folder| below(&root().join(folder)))
        .collect()
}

/// All Rust files.
pub(super) fn rust() -> Vec<Source> {
    written().into_iter().filter(|source| source.is_a("rs")).collect()
}

fn below(folder: &Path) -> Vec<Source> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let is_hidden = path.file_name().unwrap().to_string_lossy().starts_with('.');
        // What processes of earlier versions wrote is nobody's to shorten.
        if path.is_dir() && !is_hidden && !path.ends_with("target") && !path.ends_with("tests/fixtures") {
            found.extend(below(&path));
        } else if path.is_file()
            && let Ok(text) = std::fs::read_to_string(&path)
        {
            let path = path.strip_prefix(root()).unwrap();
            found.push(Source::new(&path.to_string_lossy(), &text));
        }
    }
    found.sort_by(|left, right| left.path.cmp(&right.path));
    found
}

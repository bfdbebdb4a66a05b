//! The formats that can be imported.

use std::path::Path;

/// How a file is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// A header with the names of the fields, then one record a row.
    Csv,
    /// One JSON object a line.
    Ndjson,
}

impl Format {
    /// What the file's name says.
    pub(crate) fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "csv" => Some(Self::Csv),
            "ndjson" | "jsonl" => Some(Self::Ndjson),
            _ => None,
        }
    }
}

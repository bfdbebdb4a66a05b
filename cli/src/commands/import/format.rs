//! The formats that can be imported, and how a file shows which it is.

use std::{io::Read as _, path::Path};

use anyhow::{Context as _, bail};
use encoding_rs::Encoding;

use super::source::Source;

/// Bytes of the text that are looked at.
const HEAD: u64 = 64 * 1024;

/// How a file is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// A header with the names of the fields, then one record a row.
    Csv,
    /// One JSON object a line.
    Ndjson,
    /// A list of JSON objects, or one after the other, over any number of lines.
    Json,
}

impl Format {
    /// What the number of a record is called: objects of a list may all stand in one line.
    pub(super) fn place(self) -> &'static str {
        match self {
            Self::Csv | Self::Ndjson => "line",
            Self::Json => "record",
        }
    }

    /// What the file's name and its beginning say; `wanted` decides between a table and JSON.
    ///
    /// # Errors
    /// When the file cannot be read, or neither says it.
    pub(super) fn of(
        path: &Path,
        wanted: Option<Self>,
        encoding: Option<&'static Encoding>,
    ) -> anyhow::Result<Self> {
        let mut head = Vec::new();
        let read = Source::open(path, encoding)?.take(HEAD).read_to_end(&mut head);
        read.with_context(|| format!("reading {}", path.display()))?;
        let text = head.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&head);
        let text = text.trim_ascii_start();
        let named = wanted.map_or_else(|| is_table(path), |wanted| Some(wanted == Self::Csv));
        let begins_as_json = text.starts_with(b"[") || text.starts_with(b"{");
        match named {
            Some(true) => Ok(Self::Csv),
            Some(false) => Ok(json(text)),
            None if begins_as_json => Ok(json(text)),
            None => bail!(
                "{} ends neither with .csv nor with .ndjson or .json, and its text is no JSON: say --format csv",
                path.display()
            ),
        }
    }
}

/// What the file's name says, packed or not.
fn is_table(path: &Path) -> Option<bool> {
    let name = path.file_name()?.to_str()?.to_ascii_lowercase();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    match name.rsplit_once('.')?.1 {
        "csv" | "tsv" | "tab" => Some(true),
        "ndjson" | "jsonl" | "json" => Some(false),
        _ => None,
    }
}

/// A first line that ends in the middle of an object is that of printed JSON; an object a line is the usual case.
fn json(text: &[u8]) -> Format {
    let first = text.split(|byte| matches!(byte, b'\n' | b'\r')).next();
    let end = first.unwrap_or_default().trim_ascii_end();
    let is_printed = end.ends_with(b"{") || (end.ends_with(b",") && !end.ends_with(b"},"));
    if text.starts_with(b"[") || is_printed {
        Format::Json
    } else {
        Format::Ndjson
    }
}

#[cfg(test)]
mod tests {
    use super::{
        Format::{Csv, Json, Ndjson},
        *,
    };

    #[test]
    fn name_and_beginning_say_what_a_file_is() {
        let directory = tempfile::tempdir().unwrap();
        let of = |name: &str, content: &str, wanted| {
            let file = directory.path().join(name);
            std::fs::write(&file, content).unwrap();
            Format::of(&file, wanted, None).map_err(|error| error.to_string())
        };
        for (name, content, want) in [
            ("a.csv", "external_id\n", Csv),
            ("a.CSV.gz", "external_id\n", Csv),
            ("a.tsv", "external_id\n", Csv),
            ("a.csv", "[external_id]\n", Csv),
            ("a.ndjson", "{\"a\":1}\n{\"a\":1}\n", Ndjson),
            ("a.json", "{\"a\":1}\n{\"a\":1}\n", Ndjson),
            ("a.jsonl", "\n{\"a\":1},\n{\"a\":1},\n", Ndjson),
            ("a.json", "\u{feff} \n[{\"a\":1}]", Json),
            ("a.ndjson", "[\n{\"a\":1}]", Json),
            ("a.json", "{\r\n  \"a\": 1\r\n}\r\n{\r\n}", Json),
            ("a.json", "{ \"a\": 1,\n  \"b\": 1}", Json),
            ("orders", "[{\"a\":1}]", Json),
            ("orders.txt", "{\"a\":1}", Ndjson),
            ("a.json", "", Ndjson),
        ] {
            assert_eq!(of(name, content, None), Ok(want), "{name} {content}");
        }
        assert_eq!(of("a.txt", "external_id\n", Some(Csv)), Ok(Csv));
        assert_eq!(of("a.csv", "[{}]", Some(Ndjson)), Ok(Json));
        assert_eq!(of("a.txt", "{}", Some(Json)), Ok(Ndjson));
        assert!(
            of("a.txt", "external_id\n", None)
                .unwrap_err()
                .contains("--format")
        );
    }
}

//! The records of a file, one after the other, however large it is.

use std::{
    fs::File,
    io::{BufRead, BufReader, Read as _, Seek as _},
    path::Path,
};

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use common::domain::Body;
use ingest::{
    native,
    request::{Invalid, MAX_BODY_BYTES},
};
use sha2::{Digest as _, Sha256};

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

/// One record: from which line it is, what it asks for or why it asks for nothing, and how it stands in the file.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) line: u64,
    pub(crate) body: Result<Body, Invalid>,
    pub(crate) original: String,
    /// Bytes of the file up to its end.
    pub(crate) bytes: u64,
}

/// A file at some record.
#[derive(Debug)]
pub(crate) enum Records {
    Csv(Box<Rows>),
    Ndjson(Lines),
}

#[derive(Debug)]
pub(crate) struct Rows {
    reader: csv::Reader<File>,
    names: Vec<String>,
}

#[derive(Debug)]
pub(crate) struct Lines {
    reader: BufReader<File>,
    line: u64,
    bytes: u64,
}

impl Records {
    /// # Errors
    /// When the file cannot be read, or a CSV file's header is not UTF-8.
    pub(crate) fn open(path: &Path, format: Format) -> anyhow::Result<Self> {
        let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
        if format == Format::Ndjson {
            return Ok(Self::Ndjson(Lines {
                reader: BufReader::new(file),
                line: 0,
                bytes: 0,
            }));
        }
        // Lines end with LF alone: told of CRLF, the reader counts a record to the line before.
        let mut reader = csv::ReaderBuilder::new()
            .flexible(true)
            .terminator(csv::Terminator::Any(b'\n'))
            .from_reader(file);
        let header = reader.headers().context("reading the header")?;
        let names = header
            .iter()
            .map(|name| name.trim_start_matches('\u{feff}').to_owned());
        let names = names.collect();
        Ok(Self::Csv(Box::new(Rows { reader, names })))
    }

    /// The next record; `None` at the end. Blank lines are none.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(crate) fn next(&mut self, now: DateTime<Utc>) -> anyhow::Result<Option<Record>> {
        match self {
            Self::Csv(rows) => rows.next(now),
            Self::Ndjson(lines) => lines.next(now),
        }
    }
}

impl Rows {
    fn next(&mut self, now: DateTime<Utc>) -> anyhow::Result<Option<Record>> {
        let mut row = csv::ByteRecord::new();
        while self
            .reader
            .read_byte_record(&mut row)
            .context("reading the file")?
        {
            let cells = cells(&row);
            if cells != [b""] {
                return Ok(Some(Record {
                    line: row.position().map_or(0, csv::Position::line),
                    body: self.body(&cells, now),
                    original: original(&cells),
                    bytes: self.reader.position().byte(),
                }));
            }
        }
        Ok(None)
    }

    fn body(&self, cells: &[&[u8]], now: DateTime<Utc>) -> Result<Body, Invalid> {
        if cells.len() != self.names.len() {
            let (cells, names) = (cells.len(), self.names.len());
            return Err(Invalid::new(format!(
                "the row has {cells} cells, the header {names}"
            )));
        }
        let cells: Result<Vec<&str>, _> = cells.iter().map(|cell| std::str::from_utf8(cell)).collect();
        let cells = cells.map_err(|_not_utf8| Invalid::new("the row is not UTF-8"))?;
        native::read_row(self.names.iter().map(String::as_str).zip(cells), now)
    }
}

/// The cells; of the last one without the first half of a CRLF.
fn cells(row: &csv::ByteRecord) -> Vec<&[u8]> {
    let mut cells: Vec<&[u8]> = row.iter().collect();
    if let Some(last) = cells.last_mut() {
        *last = last.strip_suffix(b"\r").unwrap_or(last);
    }
    cells
}

/// The row as CSV again.
fn original(cells: &[&[u8]]) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let written = writer
        .write_record(cells)
        .ok()
        .and_then(|()| writer.into_inner().ok());
    String::from_utf8_lossy(&written.unwrap_or_default())
        .trim_end()
        .to_owned()
}

impl Lines {
    fn next(&mut self, now: DateTime<Utc>) -> anyhow::Result<Option<Record>> {
        // One byte more than a line may have tells that it has too many.
        let limit = u64::try_from(MAX_BODY_BYTES)
            .unwrap_or(u64::MAX)
            .saturating_add(2);
        loop {
            let mut line = Vec::new();
            let read = self.reader.by_ref().take(limit).read_until(b'\n', &mut line);
            if read.context("reading the file")? == 0 {
                return Ok(None);
            }
            self.line += 1;
            let is_cut = !line.ends_with(b"\n") && line.len() > MAX_BODY_BYTES;
            if is_cut {
                self.reader.skip_until(b'\n').context("reading the file")?;
            }
            self.bytes = self.reader.stream_position().context("reading the file")?;
            let text = line
                .strip_prefix("\u{feff}".as_bytes())
                .unwrap_or(&line)
                .trim_ascii();
            if text.is_empty() {
                continue;
            }
            return Ok(Some(Record {
                line: self.line,
                body: body(text, now),
                original: String::from_utf8_lossy(text).into_owned(),
                bytes: self.bytes,
            }));
        }
    }
}

fn body(text: &[u8], now: DateTime<Utc>) -> Result<Body, Invalid> {
    if text.len() > MAX_BODY_BYTES {
        return Err(Invalid::new(format!(
            "the line is longer than {MAX_BODY_BYTES} bytes"
        )));
    }
    let text = std::str::from_utf8(text).map_err(|_not_utf8| Invalid::new("the line is not UTF-8"))?;
    native::read_line(text, now)
}

/// What makes the file this import and no other: its content, and the program that it goes to.
pub(crate) fn fingerprint(path: &Path, program: Option<&str>) -> anyhow::Result<String> {
    let mut file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut hash = Sha256::new_with_prefix(format!("{}\n", program.unwrap_or_default()));
    let mut buffer = vec![0; 1024 * 1024];
    loop {
        let read = file.read(&mut buffer).context("reading the file")?;
        let Some(chunk) = buffer.get(..read).filter(|chunk| !chunk.is_empty()) else {
            return Ok(hex::encode(hash.finalize()));
        };
        hash.update(chunk);
    }
}

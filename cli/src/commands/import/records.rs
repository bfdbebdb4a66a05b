//! The records of a file, one after the other, however large it is.

use std::{
    borrow::Cow,
    collections::BTreeSet,
    fs::File,
    io::{BufRead, BufReader, Read as _, Seek as _},
    path::Path,
};

use anyhow::{Context as _, bail};
use chrono::{DateTime, Utc};
use common::domain::Body;
use common::http::request::{Fields, Invalid};
use ingest::native::{self, FIELDS, MAX_LINE_BYTES};

use super::{
    file,
    format::Format,
    header::{self, Header},
    refund_ids::RefundIds,
};

/// Names of unknown fields that are remembered, to be told at the end.
const MAX_IGNORED: usize = 20;

/// One record: from which line it is, what it asks for or why it asks for nothing, and how it stands in the file.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) line: u64,
    pub(super) body: Result<Body, Invalid>,
    /// What was left out or cut of it.
    pub(super) warnings: Vec<String>,
    pub(super) original: String,
    /// Bytes of the file up to its end.
    pub(super) bytes: u64,
}

/// A file at some record.
#[derive(Debug)]
pub(super) struct Records {
    source: Source,
    refund_ids: RefundIds,
    ignored: BTreeSet<String>,
}

#[derive(Debug)]
enum Source {
    Csv(Box<csv::Reader<File>>, Header),
    Ndjson(Lines),
}

#[derive(Debug)]
struct Lines {
    reader: BufReader<File>,
    line: u64,
}

/// A record before its fields are understood.
struct RawRecord {
    line: u64,
    fields: Result<Fields, Invalid>,
    original: String,
    bytes: u64,
}

impl Records {
    /// # Errors
    /// When the file cannot be read, or a CSV file's header is not good.
    pub(super) fn open(path: &Path, format: Format, ignore_unknown: bool) -> anyhow::Result<Self> {
        let file = file::open(path)?;
        let source = match format {
            Format::Ndjson => Source::Ndjson(Lines {
                reader: BufReader::new(file),
                line: 0,
            }),
            Format::Csv => {
                // Lines end with LF alone: with CRLF as their end, the reader counts a record to the line before.
                let mut reader = csv::ReaderBuilder::new()
                    .flexible(true)
                    .terminator(csv::Terminator::Any(b'\n'))
                    .from_reader(file);
                let names = reader.headers().context("reading the header")?;
                if names.is_empty() {
                    bail!("{} has no records", path.display());
                }
                let header = header::read(names, ignore_unknown)?;
                Source::Csv(Box::new(reader), header)
            }
        };
        Ok(Self {
            source,
            refund_ids: RefundIds::default(),
            ignored: BTreeSet::new(),
        })
    }

    /// The next record; `None` at the end. Blank lines are none.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(super) fn next(&mut self, now: DateTime<Utc>) -> anyhow::Result<Option<Record>> {
        let raw = match &mut self.source {
            Source::Csv(reader, header) => next_row(reader, header)?,
            Source::Ndjson(lines) => lines.next()?,
        };
        Ok(raw.map(|raw| {
            let body = raw.fields.as_ref().map_err(Invalid::clone);
            let body = body.and_then(|fields| self.body(fields, now));
            Record {
                line: raw.line,
                body,
                // They are noted while the fields are read.
                warnings: raw.fields.as_ref().map(Fields::warnings).unwrap_or_default(),
                original: raw.original,
                bytes: raw.bytes,
            }
        }))
    }

    /// Names of fields that nobody knows, as far as the file has been read.
    pub(super) fn ignored(&self) -> Vec<String> {
        match &self.source {
            Source::Csv(_, header) => header.ignored.clone(),
            Source::Ndjson(_) => self.ignored.iter().cloned().collect(),
        }
    }

    fn body(&mut self, fields: &Fields, now: DateTime<Utc>) -> Result<Body, Invalid> {
        for name in fields.values().keys() {
            if self.ignored.len() < MAX_IGNORED && !FIELDS.contains(&name.as_str()) {
                self.ignored.insert(name.clone());
            }
        }
        let mut body = native::parse_line(fields, now)?;
        self.refund_ids.give(&mut body, fields.values());
        Ok(body)
    }
}

/// What the whole file would be refused for. Returns the columns that are left out.
///
/// # Errors
/// When it cannot be read, its header is not good, or it has no records.
pub(super) fn check(path: &Path, format: Format, ignore_unknown: bool) -> anyhow::Result<Vec<String>> {
    let mut records = Records::open(path, format, ignore_unknown)?;
    let first = match &mut records.source {
        Source::Csv(reader, header) => next_row(reader, header)?,
        Source::Ndjson(lines) => lines.next()?,
    };
    if first.is_none() {
        bail!("{} has no records", path.display());
    }
    Ok(records.ignored())
}

fn next_row(reader: &mut csv::Reader<File>, header: &Header) -> anyhow::Result<Option<RawRecord>> {
    let mut row = csv::ByteRecord::new();
    while reader.read_byte_record(&mut row).context("reading the file")? {
        let cells = cells(&row);
        if cells != [b""] {
            return Ok(Some(RawRecord {
                line: row.position().map_or(0, csv::Position::line),
                fields: row_fields(header, &cells),
                original: original(&cells),
                bytes: reader.position().byte(),
            }));
        }
    }
    Ok(None)
}

fn row_fields(header: &Header, cells: &[&[u8]]) -> Result<Fields, Invalid> {
    if cells.len() != header.fields.len() {
        let (cells, names) = (cells.len(), header.fields.len());
        return Err(Invalid::new(format!(
            "the row has {cells} cells, the header {names}"
        )));
    }
    // What is not UTF-8 costs nothing where people write it, and an id or a code its row.
    let cells: Vec<Cow<'_, str>> = cells.iter().map(|cell| String::from_utf8_lossy(cell)).collect();
    let named = header.fields.iter().zip(&cells);
    native::row_fields(named.filter_map(|(name, cell)| Some((name.as_deref()?, &**cell))))
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
    fn next(&mut self) -> anyhow::Result<Option<RawRecord>> {
        // One byte more than a line may have tells that it has too many.
        let limit = u64::try_from(MAX_LINE_BYTES)
            .unwrap_or(u64::MAX)
            .saturating_add(2);
        loop {
            let mut line = Vec::new();
            let read = self.reader.by_ref().take(limit).read_until(b'\n', &mut line);
            if read.context("reading the file")? == 0 {
                return Ok(None);
            }
            self.line += 1;
            let is_cut = !line.ends_with(b"\n") && line.len() > MAX_LINE_BYTES;
            if is_cut {
                self.reader.skip_until(b'\n').context("reading the file")?;
            }
            let bytes = self.reader.stream_position().context("reading the file")?;
            let text = line
                .strip_prefix("\u{feff}".as_bytes())
                .unwrap_or(&line)
                .trim_ascii();
            if text.is_empty() {
                continue;
            }
            return Ok(Some(RawRecord {
                line: self.line,
                fields: native::line_fields(&String::from_utf8_lossy(text)),
                original: String::from_utf8_lossy(text).into_owned(),
                bytes,
            }));
        }
    }
}

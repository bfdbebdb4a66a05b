//! The records of a file, one after the other, however large it is.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use anyhow::bail;
use chrono::{DateTime, Utc};
use common::domain::Body;
use common::http::request::{Fields, Invalid};
use ingest::native::{self, FIELDS};

use super::{format::Format, lines::Lines, raw::RawRecord, reading::Reading, table::Table, values::Values};

/// Names of unknown fields that are remembered, to be told at the end.
const MAX_IGNORED: usize = 20;

/// One record: where it is, what it asks for or why it asks for nothing, and how it stands in the file.
#[derive(Debug)]
pub(super) struct Record {
    /// Its line, or its number in a list (see [`Format::place`]): each record's is another, and they grow.
    pub(super) place: u64,
    pub(super) body: Result<Body, Invalid>,
    /// What was left out or cut of it.
    pub(super) warnings: Vec<String>,
    pub(super) original: String,
}

/// What was left out of the records so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct LeftOut {
    /// Names of fields that nobody knows.
    pub(super) fields: Vec<String>,
    /// Records with a `timestamp` that have none.
    pub(super) times: u64,
}

/// A file at some record.
#[derive(Debug)]
pub(super) struct Records {
    kind: Kind,
    reading: Reading,
    progress: Arc<AtomicU64>,
    /// Records so far.
    count: u64,
    unknown: BTreeSet<String>,
    ignored_times: u64,
}

#[derive(Debug)]
enum Kind {
    Table(Box<Table>),
    Lines(Lines),
    Values(Values),
}

impl Records {
    /// # Errors
    /// When the file cannot be read, or a table's header is not good.
    pub(super) fn open(reading: &Reading) -> anyhow::Result<Self> {
        let source = reading.source()?;
        let progress = source.progress();
        let kind = match reading.format {
            Format::Csv => Kind::Table(Box::new(Table::open(source, reading)?)),
            Format::Ndjson => Kind::Lines(Lines::new(source)),
            Format::Json => Kind::Values(Values::new(source)),
        };
        Ok(Self {
            kind,
            reading: reading.clone(),
            progress,
            count: 0,
            unknown: BTreeSet::new(),
            ignored_times: 0,
        })
    }

    /// The next record; `None` at the end. Blank lines are none.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(super) fn next(&mut self, now: DateTime<Utc>) -> anyhow::Result<Option<Record>> {
        let Some(raw) = self.next_raw()? else {
            return Ok(None);
        };
        self.count += 1;
        let is_numbered = self.reading.format == Format::Json;
        let body = raw.fields.as_ref().map_err(Invalid::clone);
        let body = body.and_then(|fields| self.body(fields, now));
        let body = body.map_err(|wrong| match (raw.line, raw.last_line) {
            // A record of several lines that is no event is often several records and a quote too few.
            (line, last) if line < last => Invalid::new(format!("{} (lines {line} to {last})", wrong.0)),
            (line, _) if is_numbered => Invalid::new(format!("{} (line {line})", wrong.0)),
            _ => wrong,
        });
        Ok(Some(Record {
            place: if is_numbered { self.count } else { raw.line },
            body,
            // They are noted while the fields are read.
            warnings: raw.fields.as_ref().map(Fields::warnings).unwrap_or_default(),
            original: raw.original,
        }))
    }

    /// Bytes of the file that have been read.
    pub(super) fn bytes(&self) -> u64 {
        self.progress.load(Ordering::Relaxed)
    }

    /// What was left out, as far as the file has been read.
    pub(super) fn left_out(&self) -> LeftOut {
        LeftOut {
            fields: match &self.kind {
                Kind::Table(table) => table.ignored().to_vec(),
                Kind::Lines(_) | Kind::Values(_) => self.unknown.iter().cloned().collect(),
            },
            times: self.ignored_times,
        }
    }

    fn next_raw(&mut self) -> anyhow::Result<Option<RawRecord>> {
        match &mut self.kind {
            Kind::Table(table) => table.next(),
            Kind::Lines(lines) => lines.next(),
            Kind::Values(values) => values.next(),
        }
    }

    fn body(&mut self, fields: &Fields, now: DateTime<Utc>) -> Result<Body, Invalid> {
        for name in fields.values().keys() {
            if self.unknown.len() < MAX_IGNORED && !FIELDS.contains(&name.as_str()) {
                self.unknown.insert(name.clone());
            }
        }
        let timezone = self.reading.timezone.unwrap_or_default();
        let body = native::parse_line(fields, now, timezone)?;
        self.ignored_times += u64::from(fields.warnings().iter().any(|told| is_of_time(told)));
        Ok(body)
    }
}

fn is_of_time(warning: &str) -> bool {
    warning.starts_with("timestamp ")
}

/// What the whole file would be refused for.
///
/// # Errors
/// When it cannot be read, its header is not good, or it has no records.
pub(super) fn check(reading: &Reading) -> anyhow::Result<()> {
    if Records::open(reading)?.next_raw()?.is_none() {
        bail!("{} has no records", reading.path.display());
    }
    Ok(())
}

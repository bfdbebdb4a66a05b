//! A table as spreadsheets and exports write it: lines before its header, its delimiter, its header, and rows that are events.

use std::io::{Cursor, Read as _};

use anyhow::{Context as _, bail};
use common::http::request::{Fields, Invalid};
use ingest::native::{self, is_prose};

use super::{
    header::{self, Header},
    raw::RawRecord,
    reading::Reading,
    rows::{Flaw, MAX_CELLS, MAX_ROW_BYTES, Row, Rows},
    source::Source,
    swallowed::swallows_rows,
};

/// What may be between the columns, the usual first.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

#[derive(Debug)]
pub(super) struct Table {
    rows: Rows<std::io::Chain<Cursor<Vec<u8>>, Source>>,
    header: Header,
    /// As they stand in the file: files that were put together repeat them.
    names: Vec<String>,
}

impl Table {
    /// # Errors
    /// When the file cannot be read, has no header, or one that is not good.
    pub(super) fn open(mut source: Source, reading: &Reading) -> anyhow::Result<Self> {
        let mut head = Vec::new();
        let limit = u64::try_from(MAX_ROW_BYTES).unwrap_or(u64::MAX);
        source
            .by_ref()
            .take(limit)
            .read_to_end(&mut head)
            .context("reading the file")?;
        let before = before_header(&head)?;
        let rest = head.split_off(before.bytes);
        if rest.trim_ascii().is_empty() {
            bail!("{} has no records", reading.path.display());
        }
        let delimiter = match before.delimiter {
            Some(delimiter) => delimiter,
            None => delimiter_of(&rest)?,
        };
        let mut rows = Rows::new(Cursor::new(rest).chain(source), delimiter, before.lines + 1);
        let Some(first) = next_filled(&mut rows)? else {
            bail!("{} has no records", reading.path.display());
        };
        match first.flaw {
            Some(Flaw::TooLong) => bail!("the header is longer than {MAX_ROW_BYTES} bytes: this is no table"),
            Some(Flaw::TooManyCells) => {
                bail!("the header has more than {MAX_CELLS} columns: this is no table")
            }
            Some(Flaw::OpenQuote) => bail!("a quote of the header is not closed"),
            Some(Flaw::StrayQuote) => bail!("a quote within a name of the header is not doubled"),
            None => {}
        }
        let names = names(&first);
        let header = header::read(&names, reading.ignore_unknown)?;
        Ok(Self { rows, header, names })
    }

    /// The columns that are left out.
    pub(super) fn ignored(&self) -> &[String] {
        &self.header.ignored
    }

    /// The next row that is not blank and not the header once more.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(super) fn next(&mut self) -> anyhow::Result<Option<RawRecord>> {
        while let Some(row) = next_filled(&mut self.rows)? {
            if row.flaw.is_none() && names(&row) == self.names {
                continue;
            }
            let fields = self.fields(&row);
            return Ok(Some(RawRecord {
                line: row.line,
                last_line: row.last_line,
                fields,
                original: String::from_utf8_lossy(&row.original).into_owned(),
            }));
        }
        Ok(None)
    }

    fn fields(&self, row: &Row) -> Result<Fields, Invalid> {
        match row.flaw {
            Some(Flaw::OpenQuote) => {
                return Err(Invalid::new(
                    "a quote is not closed: all that follows in the file was read as one cell, and none of it is imported",
                ));
            }
            Some(Flaw::StrayQuote) => {
                return Err(Invalid::new(
                    "something follows a closing quote: a quote is not closed, or one within a cell is not doubled",
                ));
            }
            Some(Flaw::TooManyCells) => {
                return Err(Invalid::new(format!("the row has more than {MAX_CELLS} cells")));
            }
            Some(Flaw::TooLong) => {
                return Err(Invalid::new(format!(
                    "the row is longer than {MAX_ROW_BYTES} bytes"
                )));
            }
            None => {}
        }
        let columns = self.header.fields.len();
        let (cells, beyond) = row.cells.split_at(columns.min(row.cells.len()));
        // Some exports end each row with a delimiter.
        if cells.len() < columns || !beyond.iter().all(|cell| is_blank(cell)) {
            let cells = row.cells.len();
            return Err(Invalid::new(format!(
                "the row has {cells} cells, the header {columns}"
            )));
        }
        if row.last_line > row.line && swallows_rows(cells, self.rows.delimiter(), &self.header) {
            return Err(Invalid::new(
                "a cell has line breaks and what looks like whole rows: a quote is not closed, and they would be lost",
            ));
        }
        let named = self.header.fields.iter().zip(cells);
        let read = named.filter_map(|(name, cell)| Some((name.as_deref()?, cell)));
        let texts = read.map(|(name, cell)| Ok((name, text(name, cell)?)));
        let texts = texts.collect::<Result<Vec<(&str, String)>, Invalid>>()?;
        native::row_fields(texts.iter().map(|(name, cell)| (*name, cell.as_str())))
    }
}

/// What stands before the header.
#[derive(Debug, Default, PartialEq, Eq)]
struct Before {
    bytes: usize,
    lines: u64,
    /// That it names.
    delimiter: Option<u8>,
}

/// Excel's `sep=;`, and the type that PowerShell's Export-Csv writes first.
fn before_header(head: &[u8]) -> anyhow::Result<Before> {
    let mut before = Before::default();
    loop {
        let rest = head.get(before.bytes..).unwrap_or_default();
        let mark = if rest.starts_with("\u{feff}".as_bytes()) {
            3
        } else {
            0
        };
        let line = rest.get(mark..).unwrap_or_default();
        let end = line.iter().position(|byte| matches!(byte, b'\r' | b'\n'));
        let (line, behind) = line.split_at(end.unwrap_or(line.len()));
        let bare = line
            .strip_prefix(b"\"")
            .map_or(line, |line| line.strip_suffix(b"\"").unwrap_or(line));
        if let Some(named) = strip_any_case(bare, b"sep=") {
            before.delimiter = Some(named_delimiter(named)?);
        } else if !line.starts_with(b"#TYPE ") {
            return Ok(before);
        }
        let end = if behind.starts_with(b"\r\n") {
            2
        } else {
            behind.len().min(1)
        };
        before.bytes += mark + line.len() + end;
        before.lines += 1;
    }
}

fn strip_any_case<'a>(line: &'a [u8], begin: &[u8]) -> Option<&'a [u8]> {
    let (head, rest) = line.split_at_checked(begin.len())?;
    head.eq_ignore_ascii_case(begin).then_some(rest)
}

fn named_delimiter(named: &[u8]) -> anyhow::Result<u8> {
    // A table with commas was saved around it.
    let named = match named {
        [first, rest @ ..] if !rest.is_empty() && rest.iter().all(|byte| *byte == b',') => &[*first],
        other => other,
    };
    match named {
        [sign] if (sign.is_ascii_punctuation() && *sign != b'"') || matches!(sign, b'\t' | b' ') => Ok(*sign),
        _ => bail!(
            "the line sep={} names no delimiter: it must be one sign",
            String::from_utf8_lossy(named).escape_default()
        ),
    }
}

/// That with which most names of the header are known.
fn delimiter_of(head: &[u8]) -> anyhow::Result<u8> {
    let mut best = (0, b',');
    for delimiter in DELIMITERS {
        let header = next_filled(&mut Rows::new(head, delimiter, 1))?;
        let known = header.map_or(0, |header| header::known(&names(&header)));
        if known > best.0 {
            best = (known, delimiter);
        }
    }
    Ok(best.1)
}

fn next_filled<R: std::io::Read>(rows: &mut Rows<R>) -> anyhow::Result<Option<Row>> {
    while let Some(row) = rows.next()? {
        if row.flaw.is_some() || !row.cells.iter().all(|cell| is_blank(cell)) {
            return Ok(Some(row));
        }
    }
    Ok(None)
}

/// Nothing but spaces and signs that nobody sees, such as the mark that begins a file and the sign that ended one in DOS.
fn is_blank(cell: &[u8]) -> bool {
    let is_unseen = |sign: char| {
        sign.is_whitespace() || sign.is_control() || matches!(sign, '\u{200b}'..='\u{200f}' | '\u{feff}')
    };
    std::str::from_utf8(cell).is_ok_and(|text| text.chars().all(is_unseen))
}

fn names(row: &Row) -> Vec<String> {
    let names = row.cells.iter().map(|cell| String::from_utf8_lossy(cell));
    names
        .map(|name| name.trim_start_matches('\u{feff}').trim().to_owned())
        .collect()
}

/// What people write may have signs that cannot be read; an id or a number may not.
fn text(name: &str, cell: &[u8]) -> Result<String, Invalid> {
    let text = String::from_utf8_lossy(cell);
    if text.contains('\u{fffd}') && !is_prose(name) {
        return Err(Invalid::new(format!(
            "{name} is not UTF-8: save the file as UTF-8, or say in which --encoding it is"
        )));
    }
    Ok(text.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_before_the_header_are_read() {
        for (head, bytes, lines, delimiter) in [
            ("external_id\n", 0, 0, None),
            ("sep=;\r\nexternal_id", 7, 1, Some(b';')),
            ("\u{feff}SEP=\t\nexternal_id", 9, 1, Some(b'\t')),
            ("\"sep=|\"\rexternal_id", 8, 1, Some(b'|')),
            ("sep=;,,\nexternal_id", 8, 1, Some(b';')),
            ("sep=,\nexternal_id", 6, 1, Some(b',')),
            ("#TYPE System.Object\r\nexternal_id", 21, 1, None),
            ("sep=;", 5, 1, Some(b';')),
            ("", 0, 0, None),
        ] {
            let want = Before {
                bytes,
                lines,
                delimiter,
            };
            assert_eq!(before_header(head.as_bytes()).unwrap(), want, "{head:?}");
        }
        for line in ["sep=", "sep=;;", "sep=\"", "sep=a", "sep=\u{b7}"] {
            let error = before_header(line.as_bytes()).unwrap_err().to_string();
            assert!(error.contains("names no delimiter"), "{line}: {error}");
        }
    }

    #[test]
    fn the_header_shows_its_delimiter() {
        for (header, want) in [
            ("external_id,coupon", b','),
            ("external_id;coupon;amount\n1;C;2,5\n", b';'),
            ("\u{feff}external_id\tcoupon", b'\t'),
            ("external_id|coupon", b'|'),
            ("\"external_id\";\"meta_data.a,b\"", b';'),
            ("\n\nexternal_id;coupon", b';'),
            ("external_id", b','),
            ("order;code", b','),
        ] {
            assert_eq!(delimiter_of(header.as_bytes()).unwrap(), want, "{header}");
        }
    }
}

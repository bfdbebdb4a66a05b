//! One JSON object a line, of which each is read by itself: a broken one costs no other.

use std::io::{BufRead as _, BufReader};

use anyhow::Context as _;
use ingest::native::{self, MAX_LINE_BYTES};

use super::{raw::RawRecord, source::Source};

/// Reads lines that end with LF, CRLF or CR.
#[derive(Debug)]
pub(super) struct Lines {
    reader: BufReader<Source>,
    /// Lines begun, a CRLF counted as two.
    ends: Ends,
}

#[derive(Debug, Default)]
struct Ends {
    line: u64,
    after_cr: bool,
}

impl Lines {
    pub(super) fn new(source: Source) -> Self {
        Self {
            reader: BufReader::new(source),
            ends: Ends::default(),
        }
    }

    /// The next line that is not blank.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(super) fn next(&mut self) -> anyhow::Result<Option<RawRecord>> {
        while let Some(line) = self.line()? {
            let text = line
                .strip_prefix("\u{feff}".as_bytes())
                .unwrap_or(&line)
                .trim_ascii();
            if !text.is_empty() {
                return Ok(Some(RawRecord {
                    line: self.ends.line,
                    last_line: self.ends.line,
                    fields: native::line_fields(&String::from_utf8_lossy(text)),
                    original: String::from_utf8_lossy(text).into_owned(),
                }));
            }
        }
        Ok(None)
    }

    /// A line without its end; of one that is too long no more than tells that it is.
    fn line(&mut self) -> anyhow::Result<Option<Vec<u8>>> {
        let (mut line, mut is_any) = (Vec::new(), false);
        loop {
            let buffer = self.reader.fill_buf().context("reading the file")?;
            if buffer.is_empty() {
                self.ends.line += u64::from(is_any);
                return Ok(is_any.then_some(line));
            }
            let skipped = usize::from(self.ends.after_cr && buffer.starts_with(b"\n"));
            self.ends.after_cr = false;
            let rest = buffer.get(skipped..).unwrap_or_default();
            let end = rest.iter().position(|byte| matches!(byte, b'\r' | b'\n'));
            let text = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
            let room = (MAX_LINE_BYTES + 2).saturating_sub(line.len());
            line.extend_from_slice(text.get(..room.min(text.len())).unwrap_or_default());
            is_any |= !rest.is_empty();
            let used = skipped + text.len() + usize::from(end.is_some());
            self.ends.after_cr = end.is_some_and(|end| rest.get(end) == Some(&b'\r'));
            self.reader.consume(used);
            if end.is_some() {
                self.ends.line += 1;
                return Ok(Some(line));
            }
        }
    }
}

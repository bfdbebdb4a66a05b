//! JSON objects in a list, or one after the other, in one line or in many: one at a time, however many there are.

use std::io::{BufRead as _, BufReader};

use anyhow::Context as _;
use common::http::request::{Fields, Invalid};
use ingest::native::{self, MAX_LINE_BYTES};

use super::{raw::RawRecord, source::Source};

#[derive(Debug)]
pub(super) struct Values {
    bytes: Bytes,
    is_in_list: bool,
    is_over: bool,
}

/// The text byte by byte, with the number of the line.
#[derive(Debug)]
struct Bytes {
    reader: BufReader<Source>,
    line: u64,
    after_cr: bool,
}

/// One value as it stands in the file.
struct Value {
    line: u64,
    last_line: u64,
    /// No more than tells that it is too long.
    text: Vec<u8>,
    flaw: Option<&'static str>,
}

const CUT_LIST: &str = "the list is not closed: the file seems to be cut off";
const CUT_VALUE: &str = "the file ends within a value: it is cut off, or a bracket or quote is not closed, and what follows is not imported";
const OPEN_TEXT: &str = "a text is not closed at the end of its line";
const NO_VALUE: &str = "a bracket closes nothing";

impl Values {
    pub(super) fn new(source: Source) -> Self {
        Self {
            bytes: Bytes {
                reader: BufReader::new(source),
                line: 1,
                after_cr: false,
            },
            is_in_list: false,
            is_over: false,
        }
    }

    /// The next value.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(super) fn next(&mut self) -> anyhow::Result<Option<RawRecord>> {
        while !self.is_over {
            let line = self.bytes.line;
            match self.bytes.peek()? {
                None => {
                    self.is_over = true;
                    if self.is_in_list {
                        let text = Vec::new();
                        let flaw = Some(CUT_LIST);
                        return Ok(Some(
                            Value {
                                line,
                                last_line: line,
                                text,
                                flaw,
                            }
                            .record(),
                        ));
                    }
                }
                Some(b'[') if !self.is_in_list => {
                    self.bytes.take()?;
                    self.is_in_list = true;
                }
                Some(b']') if self.is_in_list => {
                    self.bytes.take()?;
                    self.is_in_list = false;
                }
                // The mark that begins some files, and signs between values.
                Some(b' ' | b'\t' | b'\r' | b'\n' | b',' | 0xef | 0xbb | 0xbf) => {
                    self.bytes.take()?;
                }
                Some(_) => return Ok(Some(self.value()?.record())),
            }
        }
        Ok(None)
    }

    fn value(&mut self) -> anyhow::Result<Value> {
        let line = self.bytes.line;
        let mut value = Value {
            line,
            last_line: line,
            text: Vec::new(),
            flaw: None,
        };
        let (mut depth, mut in_text, mut is_escaped) = (0_usize, false, false);
        loop {
            let Some(byte) = self.bytes.peek()? else {
                self.is_over = true;
                value.flaw = (depth > 0 || in_text).then_some(CUT_VALUE);
                return Ok(value);
            };
            let is_end_of_line = matches!(byte, b'\r' | b'\n');
            // A word or number ends before what is none of it.
            if depth == 0
                && !in_text
                && !value.text.is_empty()
                && (is_end_of_line || b" \t,]}[{".contains(&byte))
            {
                return Ok(value);
            }
            if in_text && is_end_of_line {
                value.flaw = Some(OPEN_TEXT);
                self.skip_to_value()?;
                return Ok(value);
            }
            self.bytes.take()?;
            value.last_line = line.max(self.bytes.line - u64::from(is_end_of_line));
            if value.text.len() <= MAX_LINE_BYTES {
                value.text.push(byte);
            }
            match byte {
                _ if is_escaped => is_escaped = false,
                b'\\' if in_text => is_escaped = true,
                b'"' => in_text = !in_text,
                b'{' | b'[' if !in_text => depth += 1,
                b'}' | b']' if !in_text => match depth.checked_sub(1) {
                    Some(less) => depth = less,
                    None => value.flaw = Some(NO_VALUE),
                },
                _ => continue,
            }
            if depth == 0 && !in_text && matches!(byte, b'}' | b']' | b'"') {
                return Ok(value);
            }
        }
    }

    /// To the next line that begins a value or ends the list.
    fn skip_to_value(&mut self) -> anyhow::Result<()> {
        let mut at_begin = false;
        while let Some(byte) = self.bytes.peek()? {
            match byte {
                b'\r' | b'\n' => at_begin = true,
                b' ' | b'\t' => {}
                b'{' | b']' if at_begin => return Ok(()),
                _ => at_begin = false,
            }
            self.bytes.take()?;
        }
        Ok(())
    }
}

impl Bytes {
    fn peek(&mut self) -> anyhow::Result<Option<u8>> {
        let buffer = self.reader.fill_buf().context("reading the file")?;
        Ok(buffer.first().copied())
    }

    fn take(&mut self) -> anyhow::Result<()> {
        if let Some(byte) = self.peek()? {
            self.reader.consume(1);
            if matches!(byte, b'\r' | b'\n') {
                self.line += u64::from(byte == b'\r' || !self.after_cr);
            }
            self.after_cr = byte == b'\r';
        }
        Ok(())
    }
}

impl Value {
    fn record(self) -> RawRecord {
        RawRecord {
            line: self.line,
            last_line: self.last_line,
            fields: self.fields(),
            original: String::from_utf8_lossy(&self.text).into_owned(),
        }
    }

    fn fields(&self) -> Result<Fields, Invalid> {
        match self.flaw {
            Some(flaw) => Err(Invalid::new(flaw)),
            None => native::line_fields(&String::from_utf8_lossy(&self.text)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// First and last line of each value, and what is wrong with it.
    fn read(text: &str) -> Vec<(u64, u64, Option<String>)> {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("orders.json");
        fs::write(&file, text).unwrap();
        let mut values = Values::new(Source::open(&file, None).unwrap());
        let mut told = Vec::new();
        while let Some(record) = values.next().unwrap() {
            told.push((
                record.line,
                record.last_line,
                record.fields.err().map(|wrong| wrong.0),
            ));
        }
        told
    }

    fn good(lines: &[(u64, u64)]) -> Vec<(u64, u64, Option<String>)> {
        lines.iter().map(|(line, last)| (*line, *last, None)).collect()
    }

    #[test]
    fn objects_are_found_however_they_are_printed() {
        for (text, lines) in [
            ("[]", &[][..]),
            ("\u{feff}[{\"a\":1},{\"b\":\"}]\\\"\"}]\n", &[(1, 1), (1, 1)]),
            (
                "[\n  {\n    \"a\": [1, {}]\n  },\n  {\"b\": 1}\n]\n",
                &[(2, 4), (5, 5)],
            ),
            ("[\r\n{\"a\":1}\r\n,\r\n{\"a\":1}\r\n]", &[(2, 2), (4, 4)]),
            ("{\n\"a\":1\n}\n{\n\"a\":1\n}", &[(1, 3), (4, 6)]),
            ("[{}]\n[{},{}]", &[(1, 1), (2, 2), (2, 2)]),
            ("[{},]", &[(1, 1)]),
        ] {
            assert_eq!(read(text), good(lines), "{text}");
        }
    }

    #[test]
    fn what_is_wrong_costs_itself_and_is_told() {
        let told = |text: &str| {
            let all = read(text).into_iter();
            all.map(|(line, last, wrong)| (line, last, wrong.unwrap_or_default()))
                .collect::<Vec<_>>()
        };
        let object = "must be a JSON object";
        for (text, want) in [
            ("[1,{}]", &[(1, 1, object), (1, 1, "")][..]),
            ("[null,\"{\",{}]", &[(1, 1, object), (1, 1, object), (1, 1, "")]),
            ("[[{}],{}]", &[(1, 1, object), (1, 1, "")]),
            ("[{\"a\":1,,},\n{}]", &[(1, 1, "malformed JSON"), (2, 2, "")]),
            (
                "[\n{\"a\":\"x},\n{},\n{}]",
                &[(2, 2, OPEN_TEXT), (3, 3, ""), (4, 4, "")],
            ),
            (
                "[\n{\n\"a\":\"x,\n\"b\":1\n},\n{}\n]",
                &[(2, 3, OPEN_TEXT), (6, 6, "")],
            ),
            ("[{},\n", &[(1, 1, ""), (2, 2, CUT_LIST)]),
            ("[{},\n{\"a\":", &[(1, 1, ""), (2, 2, CUT_VALUE)]),
            ("[{}]}\n{}", &[(1, 1, ""), (1, 1, NO_VALUE), (2, 2, "")]),
            ("[{}] x", &[(1, 1, ""), (1, 1, object)]),
        ] {
            let found = told(text);
            assert_eq!(found.len(), want.len(), "{text}: {found:?}");
            for ((line, last, wrong), want) in found.iter().zip(want) {
                assert_eq!((*line, *last), (want.0, want.1), "{text}");
                assert!(
                    wrong.contains(want.2) && wrong.is_empty() == want.2.is_empty(),
                    "{text}: {wrong}"
                );
            }
        }
    }

    #[test]
    fn a_value_has_a_length() {
        let long = format!("{{\"a\":\"{}\"}}", "x".repeat(3 * MAX_LINE_BYTES));
        let told = read(&format!("[{long},\n{{}}]"));
        assert_eq!(told.len(), 2);
        assert!(told[0].2.as_deref().unwrap().contains("longer than"));
        assert_eq!(told[1], (2, 2, None));
    }
}

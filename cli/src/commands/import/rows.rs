//! Rows of a table, cell by cell, however long they are. A reader of its own, because what goes wrong with quotes must be told:
//! one that is never closed swallows all that follows, and ready-made readers keep that to themselves, and in memory.

use std::io::{BufRead, BufReader, Read};

use anyhow::Context as _;
use ingest::native::MAX_LINE_BYTES;

/// Bytes of a row as it stands in the file: quotes may double what is in it, and columns may be left out.
pub(super) const MAX_ROW_BYTES: usize = 4 * MAX_LINE_BYTES;

/// Cells of a row: each costs more memory than its delimiter.
pub(super) const MAX_CELLS: usize = 10_000;

/// A row as it was found.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Row {
    /// On which it begins, and on which it ends.
    pub(super) line: u64,
    pub(super) last_line: u64,
    /// None of a row that is too long, or has too many.
    pub(super) cells: Vec<Vec<u8>>,
    /// As it stands in the file, without its end; cut if it is too long.
    pub(super) original: Vec<u8>,
    pub(super) flaw: Option<Flaw>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flaw {
    /// The file ends within quotes.
    OpenQuote,
    /// Something follows a quote that closed a cell.
    StrayQuote,
    TooLong,
    TooManyCells,
}

/// Reads rows that end with LF, CRLF or CR.
#[derive(Debug)]
pub(super) struct Rows<R> {
    reader: BufReader<R>,
    delimiter: u8,
    /// The line at which the reader stands.
    line: u64,
    /// The byte before was a CR: an LF belongs to it.
    after_cr: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Before a cell's first sign, but for blanks.
    Begin,
    Plain,
    Quoted,
    /// Behind a quote that closes the cell, or is the first of two.
    Closed,
    /// Behind that and a blank.
    Behind,
}

/// What a byte of a row leads to.
enum Step {
    On(State),
    Cell,
    Row,
}

impl<R: Read> Rows<R> {
    /// Rows from where `reader` stands, which is at the beginning of `line`.
    pub(super) fn new(reader: R, delimiter: u8, line: u64) -> Self {
        Self {
            reader: BufReader::new(reader),
            delimiter,
            line,
            after_cr: false,
        }
    }

    pub(super) fn delimiter(&self) -> u8 {
        self.delimiter
    }

    /// The next row, be it blank; `None` at the end.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(super) fn next(&mut self) -> anyhow::Result<Option<Row>> {
        self.skip_half_of_crlf()?;
        let mut row = Row {
            line: self.line,
            ..Row::default()
        };
        let (mut cell, mut state) = (Vec::new(), State::Begin);
        let mut last = None;
        loop {
            let buffer = self.reader.fill_buf().context("reading the file")?;
            if buffer.is_empty() {
                if state == State::Quoted {
                    row.flaw = Some(Flaw::OpenQuote);
                }
                break;
            }
            let (mut used, mut is_row) = (0, false);
            for &byte in buffer {
                used += 1;
                last = Some(byte);
                if matches!(byte, b'\r' | b'\n') {
                    self.line += u64::from(byte == b'\r' || !self.after_cr);
                    self.after_cr = byte == b'\r';
                } else {
                    self.after_cr = false;
                }
                match step(state, byte, self.delimiter, &mut cell, &mut row.flaw) {
                    Step::Row => {
                        is_row = true;
                        break;
                    }
                    Step::Cell => {
                        row.add(std::mem::take(&mut cell));
                        state = State::Begin;
                    }
                    Step::On(next) => state = next,
                }
                if row.original.len() < MAX_ROW_BYTES {
                    row.original.push(byte);
                } else {
                    row.flaw = Some(Flaw::TooLong);
                    row.cells = Vec::new();
                    cell.clear();
                }
            }
            self.reader.consume(used);
            if is_row {
                row.add(cell);
                row.last_line = self.line - 1;
                return Ok(Some(row));
            }
        }
        row.add(cell);
        // An end of a line behind the last one begins no further line.
        let ends_with_line = matches!(last, Some(b'\n' | b'\r'));
        row.last_line = if ends_with_line { self.line - 1 } else { self.line };
        Ok(last.map(|_| row))
    }

    fn skip_half_of_crlf(&mut self) -> anyhow::Result<()> {
        if self.after_cr {
            let buffer = self.reader.fill_buf().context("reading the file")?;
            let skipped = usize::from(buffer.starts_with(b"\n"));
            self.reader.consume(skipped);
            self.after_cr = false;
        }
        Ok(())
    }
}

fn step(state: State, byte: u8, delimiter: u8, cell: &mut Vec<u8>, flaw: &mut Option<Flaw>) -> Step {
    use State::{Begin, Behind, Closed, Plain, Quoted};
    let is_end = matches!(byte, b'\r' | b'\n');
    match (state, byte) {
        (Quoted, b'"') => return Step::On(Closed),
        (Quoted, _) => {}
        (Closed, b'"') => {
            cell.push(byte);
            return Step::On(Quoted);
        }
        _ if is_end => return Step::Row,
        _ if byte == delimiter => return Step::Cell,
        (Begin, b'"') => {
            cell.clear();
            return Step::On(Quoted);
        }
        (Closed | Behind, b' ' | b'\t') => return Step::On(Behind),
        (Closed | Behind, _) => {
            flaw.get_or_insert(Flaw::StrayQuote);
        }
        (Begin | Plain, _) => {}
    }
    cell.push(byte);
    Step::On(match state {
        Quoted => Quoted,
        Begin if matches!(byte, b' ' | b'\t') => Begin,
        _ => Plain,
    })
}

impl Row {
    fn add(&mut self, cell: Vec<u8>) {
        match self.flaw {
            Some(Flaw::TooLong | Flaw::TooManyCells) => {}
            _ if self.cells.len() == MAX_CELLS => {
                self.flaw = Some(Flaw::TooManyCells);
                self.cells = Vec::new();
            }
            _ => self.cells.push(cell),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows as lines, cells and flaw.
    fn read(text: &str) -> Vec<(u64, u64, Vec<String>, Option<Flaw>)> {
        let mut rows = Rows::new(text.as_bytes(), b',', 1);
        let mut all = Vec::new();
        while let Some(row) = rows.next().unwrap() {
            let cells = row
                .cells
                .iter()
                .map(|cell| String::from_utf8_lossy(cell).into_owned());
            all.push((row.line, row.last_line, cells.collect(), row.flaw));
        }
        all
    }

    fn row(line: u64, last: u64, cells: &[&str]) -> (u64, u64, Vec<String>, Option<Flaw>) {
        (
            line,
            last,
            cells.iter().map(|cell| (*cell).to_owned()).collect(),
            None,
        )
    }

    #[test]
    fn all_ends_of_lines_end_a_row() {
        for end in ["\n", "\r\n", "\r"] {
            let text = ["a,b", "", "\"x\ny\",\"say \"\"hi\"\"\"", " \"c\" ,d", "e,"].join(end);
            let want = [
                row(1, 1, &["a", "b"]),
                row(2, 2, &[""]),
                row(3, 4, &["x\ny", "say \"hi\""]),
                row(5, 5, &["c", "d"]),
                row(6, 6, &["e", ""]),
            ];
            assert_eq!(read(&text), want, "{end:?}");
            assert_eq!(read(&format!("{text}{end}")), want, "{end:?}");
        }
        assert_eq!(
            read("a\r\n\"b\r\nc\"\r\nd"),
            [row(1, 1, &["a"]), row(2, 3, &["b\r\nc"]), row(4, 4, &["d"]),]
        );
        assert_eq!(read("5\" rack,x\n"), [row(1, 1, &["5\" rack", "x"])]);
        assert_eq!(read(""), []);
    }

    #[test]
    fn what_is_wrong_with_quotes_is_told() {
        let flaws = |text: &str| {
            let told = read(text).into_iter();
            told.map(|(line, last, _, flaw)| (line, last, flaw))
                .collect::<Vec<_>>()
        };
        assert_eq!(flaws("a,\"b\nc,d\ne,f\n"), [(1, 3, Some(Flaw::OpenQuote))]);
        assert_eq!(flaws("a,\""), [(1, 1, Some(Flaw::OpenQuote))]);
        assert_eq!(
            flaws("a,\"b\nc,\"d\"\ne,f"),
            [(1, 2, Some(Flaw::StrayQuote)), (3, 3, None)]
        );
        assert_eq!(flaws("\"say \"hi\"\",x\n"), [(1, 1, Some(Flaw::StrayQuote))]);
        assert_eq!(flaws("\"a\" \"b\"\n"), [(1, 1, Some(Flaw::StrayQuote))]);
        assert_eq!(flaws("\"\"\n\"\"\"\"\n"), [(1, 1, None), (2, 2, None)]);
    }

    #[test]
    fn a_row_has_a_length() {
        let fits = format!("{}\n", "x".repeat(MAX_ROW_BYTES));
        let text = [&fits, "x", &fits, "\"", &fits, &fits, "\",y\nlast\n"].concat();
        let mut rows = Rows::new(text.as_bytes(), b',', 1);
        let mut told = Vec::new();
        while let Some(row) = rows.next().unwrap() {
            assert!(row.original.len() <= MAX_ROW_BYTES);
            told.push((row.line, row.last_line, row.cells.len(), row.flaw));
        }
        assert_eq!(
            told,
            [
                (1, 1, 1, None),
                (2, 2, 0, Some(Flaw::TooLong)),
                (3, 5, 0, Some(Flaw::TooLong)),
                (6, 6, 1, None),
            ]
        );
    }

    #[test]
    fn a_row_has_so_many_cells() {
        let fits = ",".repeat(MAX_CELLS - 1);
        let told: Vec<_> = read(&format!("{fits}\n{fits},\n{fits},,x\n{fits}"))
            .into_iter()
            .map(|(line, _, cells, flaw)| (line, cells.len(), flaw))
            .collect();
        let many = Some(Flaw::TooManyCells);
        assert_eq!(
            told,
            [
                (1, MAX_CELLS, None),
                (2, 0, many),
                (3, 0, many),
                (4, MAX_CELLS, None)
            ]
        );
    }
}

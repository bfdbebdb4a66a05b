//! Comma-separated values for spreadsheets. Text of strangers must not become a formula there (CVE-2021-41270).

use std::fmt::{Display, Write as _};

/// A spreadsheet takes a cell that starts with one of these for a formula, or strips it and looks at the next.
const FORMULA_STARTS: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// Cells of one line, joined as RFC 4180 says.
#[derive(Debug, Default)]
pub(super) struct Line {
    text: String,
    cells: usize,
}

impl Line {
    /// A text: one that starts like a formula gets a leading `'`.
    pub(super) fn text(mut self, cell: &str) -> Self {
        self.separate();
        let is_formula = cell.starts_with(FORMULA_STARTS);
        let quoted = cell.contains(['"', ',', '\n', '\r']);
        if quoted {
            self.text.push('"');
        }
        if is_formula {
            self.text.push('\'');
        }
        for c in cell.chars() {
            if c == '"' {
                self.text.push('"');
            }
            self.text.push(c);
        }
        if quoted {
            self.text.push('"');
        }
        self
    }

    /// A number of ours, which may start with its sign. `None`: an empty cell.
    pub(super) fn number(mut self, cell: Option<impl Display>) -> Self {
        self.separate();
        if let Some(cell) = cell {
            // Writing to a string cannot fail.
            write!(self.text, "{cell}").ok();
        }
        self
    }

    fn separate(&mut self) {
        if self.cells > 0 {
            self.text.push(',');
        }
        self.cells += 1;
    }
}

impl Display for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_and_formulas_are_not_run() {
        for (cell, want) in [
            ("ORD005", "ORD005"),
            ("", ""),
            ("a,b", "\"a,b\""),
            ("say \"no\"", "\"say \"\"no\"\"\""),
            ("two\nlines", "\"two\nlines\""),
            ("=1+1", "'=1+1"),
            ("+1", "'+1"),
            ("-5", "'-5"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\tx", "'\tx"),
            ("\r=1", "\"'\r=1\""),
            ("=HYPERLINK(\"x\",1)", "\"'=HYPERLINK(\"\"x\"\",1)\""),
            ("a=1", "a=1"),
        ] {
            assert_eq!(Line::default().text(cell).to_string(), want, "{cell:?}");
        }
        let line = Line::default()
            .number(Some("-3.00"))
            .number(None::<i64>)
            .text("x");
        assert_eq!(line.to_string(), "-3.00,,x");
    }
}

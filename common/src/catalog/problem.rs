//! What is wrong with a catalog file, and where: all of it, so that one reading mends the file.

use std::{cell::RefCell, fmt, ops::Range};

use serde::Serialize;

/// One mistake.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// Which thing and field, and what is wrong with it. Never a key or a secret.
    pub message: String,
}

/// A catalog file with mistakes, in the order of its lines. There is at least one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct CatalogError {
    pub problems: Vec<Problem>,
}

impl CatalogError {
    /// One line per mistake, as compilers print them: `catalog.toml:42:7: …`.
    pub fn in_file(&self, file: &str) -> String {
        let lines: Vec<_> = self
            .problems
            .iter()
            .map(|problem| format!("{file}:{}:{}: {}", problem.line, problem.column, problem.message))
            .collect();
        lines.join("\n")
    }
}

impl fmt::Display for CatalogError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.in_file("catalog"))
    }
}

/// Collects mistakes while a file is read.
pub(super) struct Problems<'t> {
    text: &'t str,
    found: RefCell<Vec<(usize, String)>>,
}

impl<'t> Problems<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        let found = RefCell::default();
        Self { text, found }
    }

    /// `span` are the bytes of the file that the mistake is in.
    pub(super) fn add(&self, span: &Range<usize>, message: String) {
        self.found.borrow_mut().push((span.start, message));
    }

    /// `value`, if nothing was wrong.
    pub(super) fn finish<T>(self, value: T) -> Result<T, CatalogError> {
        let mut found = self.found.into_inner();
        if found.is_empty() {
            return Ok(value);
        }
        found.sort();
        let problems = found
            .into_iter()
            .map(|(offset, message)| {
                let (line, column) = position(self.text, offset);
                Problem {
                    line,
                    column,
                    message,
                }
            })
            .collect();
        Err(CatalogError { problems })
    }
}

/// Line and column of a byte, both from 1.
fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.rsplit('\n').next().unwrap_or_default();
    (before.matches('\n').count() + 1, line.chars().count() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_characters_from_one() {
        assert_eq!(position("", 0), (1, 1));
        assert_eq!(position("ä = 1\nb", 3), (1, 3));
        assert_eq!(position("ä = 1\nb", 7), (2, 1));
        assert_eq!(position("a", 99), (1, 2));
    }
}

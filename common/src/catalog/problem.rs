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

/// Where something stands that no file says: it is in the database. Nobody is told that it is wrong, for nobody wrote it here.
pub(super) const KNOWN: Range<usize> = usize::MAX..usize::MAX;

/// `span`, or where what it belongs to stands, if it was taken from the database.
pub(super) fn declared_at(span: &Range<usize>, of: &Range<usize>) -> Range<usize> {
    if *span == KNOWN { of.clone() } else { span.clone() }
}

/// What a file is read for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Against {
    /// By itself: what it leaves out or does not declare may be in the database.
    Nothing,
    /// With what is in the database beside it.
    Database,
}

/// Collects mistakes while a file is read.
pub(super) struct Problems<'t> {
    text: &'t str,
    against: Against,
    found: RefCell<Vec<(usize, String)>>,
}

impl<'t> Problems<'t> {
    pub(super) fn new(text: &'t str, against: Against) -> Self {
        let found = RefCell::default();
        Self { text, against, found }
    }

    /// `span` are the bytes of the file that the mistake is in.
    pub(super) fn add(&self, span: &Range<usize>, message: String) {
        if *span != KNOWN {
            self.found.borrow_mut().push((span.start, message));
        }
    }

    /// Something that is missing here, which is a mistake if the database does not have it either.
    pub(super) fn missing(&self, span: &Range<usize>, message: String) {
        if self.against == Against::Database {
            self.add(span, message);
        }
    }

    /// `value`, if nothing was wrong.
    pub(super) fn finish<T>(self, value: T) -> Result<T, CatalogError> {
        let mut found = self.found.into_inner();
        if found.is_empty() {
            return Ok(value);
        }
        found.sort();
        let mut places = Places::new(self.text);
        let problems = found
            .into_iter()
            .map(|(offset, message)| {
                let (line, column) = places.of(offset);
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

/// Lines and columns of bytes in their order. Each part of the text is looked at once: a file of nonsense has a mistake at every
/// sign.
struct Places<'t> {
    text: &'t str,
    /// Up to which the text has been looked at, and which place that is.
    at: usize,
    line: usize,
    column: usize,
}

impl<'t> Places<'t> {
    fn new(text: &'t str) -> Self {
        Self {
            text,
            at: 0,
            line: 1,
            column: 1,
        }
    }

    /// Line and column of a byte that is not before the last one, both from 1. Beyond the end it is the end.
    fn of(&mut self, offset: usize) -> (usize, usize) {
        let end = if self.text.is_char_boundary(offset) {
            offset
        } else {
            self.text.len()
        };
        for sign in self.text.get(self.at..end).unwrap_or_default().chars() {
            if sign == '\n' {
                self.line += 1;
                self.column = 1;
            } else {
                self.column += 1;
            }
        }
        self.at = self.at.max(end);
        (self.line, self.column)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_characters_from_one() {
        for (text, places) in [
            ("", &[(0, (1, 1))][..]),
            (
                "ä = 1\nb",
                &[(0, (1, 1)), (3, (1, 3)), (3, (1, 3)), (7, (2, 1)), (99, (2, 2))],
            ),
            ("a\n\n", &[(1, (1, 2)), (2, (2, 1)), (3, (3, 1))]),
        ] {
            let mut found = Places::new(text);
            for (offset, place) in places {
                assert_eq!(found.of(*offset), *place, "{text:?} {offset}");
            }
        }
    }

    #[test]
    fn a_file_of_mistakes_is_read_once() {
        let text = "x\n".repeat(200_000);
        let problems = Problems::new(&text, Against::Nothing);
        for line in 0..200_000 {
            problems.add(&(line * 2..line * 2 + 1), String::new());
        }
        let problems = problems.finish(()).unwrap_err().problems;
        assert_eq!(problems.last().unwrap().line, 200_000);
    }
}

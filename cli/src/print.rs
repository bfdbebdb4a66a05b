//! The terminal: results on standard output, everything else on standard error, questions with an answer. Nothing gets there
//! past here, and no control character past [`printable`].

use std::{
    fmt::Display,
    io::{self, BufRead, IsTerminal, Write},
    process::ExitCode,
};

use anyhow::{Context as _, bail};
use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use serde::Serialize;

use crate::printable;

/// Prints `text` and a line end. Nobody reading any more (`| head`) is no error.
pub(crate) fn print(text: impl Display) -> anyhow::Result<()> {
    write_line(&printable::lines(&text.to_string()))
}

fn write_line(text: &str) -> anyhow::Result<()> {
    match writeln!(io::stdout().lock(), "{text}") {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other.context("cannot write to standard output"),
    }
}

/// Prints `value` as JSON that both people and `jq` read.
pub(crate) fn print_json(value: &impl Serialize) -> anyhow::Result<()> {
    write_line(&json_text(value)?)
}

/// Prints `value` as JSON in one line, for those who read line by line.
pub(crate) fn print_json_line(value: &impl Serialize) -> anyhow::Result<()> {
    write_line(&printable::json(&serde_json::to_string(value)?))
}

/// The same as a text, in lines.
pub(crate) fn json_text(value: &impl Serialize) -> anyhow::Result<String> {
    let document = serde_json::to_string_pretty(value)?;
    Ok(printable::json(&document).into_owned())
}

/// Says on standard error what does not stop the command.
pub(crate) fn warn(text: impl Display) -> anyhow::Result<()> {
    note(format!("warning: {text}"))
}

/// Says on standard error how far the command is.
pub(crate) fn note(text: impl Display) -> anyhow::Result<()> {
    let text = text.to_string();
    writeln!(io::stderr().lock(), "{}", printable::lines(&text)).context("cannot write to standard error")
}

/// Rows under a header, whose cells are lines.
#[derive(Debug)]
pub(crate) struct Rows(Table);

impl Rows {
    pub(crate) fn add_row<T: AsRef<str>>(&mut self, cells: impl IntoIterator<Item = T>) {
        let cells = cells.into_iter();
        let cells = cells.map(|cell| printable::line(cell.as_ref()).into_owned());
        self.0.add_row(cells);
    }

    pub(crate) fn align_right(&mut self, column: usize) {
        if let Some(column) = self.0.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }

    /// Without blanks at the ends of lines.
    pub(crate) fn trim_fmt(&self) -> String {
        self.0.trim_fmt()
    }
}

/// A table of plain columns: as wide as the terminal, easy to cut where there is none.
pub(crate) fn table(header: &[&str]) -> Rows {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_header(header.to_vec());
    Rows(table)
}

/// Asks before many events change. Without a terminal nobody can answer: then `--yes` has to be said.
pub(crate) fn confirm(question: &str) -> anyhow::Result<()> {
    if !io::stdin().is_terminal() {
        bail!("{question} Nothing was changed: say --yes where there is no terminal to ask on");
    }
    let mut screen = io::stderr().lock();
    write!(screen, "{} [y/N] ", printable::lines(question))?;
    screen.flush()?;
    let mut answer = String::new();
    io::stdin()
        .lock()
        .read_line(&mut answer)
        .context("reading the answer")?;
    if !matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes") {
        bail!("nothing was changed");
    }
    Ok(())
}

/// Prints why the command failed, with all causes, and says so to the shell.
pub(crate) fn failure(error: &anyhow::Error) -> ExitCode {
    let mut text = String::from("error: ");
    let mut last = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if last.contains(&cause) {
            continue;
        }
        if !last.is_empty() {
            text.push_str("\n  because: ");
        }
        text.push_str(&cause);
        last = cause;
    }
    // Nowhere is left to report that standard error is gone.
    writeln!(io::stderr().lock(), "{}", printable::lines(&text)).ok();
    ExitCode::FAILURE
}

/// Prints what is wrong with the arguments, which may be somebody else's words, or the help that was asked for.
pub(crate) fn usage(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() {
        error.exit();
    }
    let text = error.render().to_string();
    // Nowhere is left to report that standard error is gone.
    write!(io::stderr().lock(), "{}", printable::lines(&text)).ok();
    u8::try_from(error.exit_code()).map_or(ExitCode::FAILURE, ExitCode::from)
}

//! The terminal: results on standard output, everything else on standard error, questions with an answer.

use std::{
    fmt::Display,
    io::{self, BufRead, IsTerminal, Write},
    process::ExitCode,
};

use anyhow::{Context as _, bail};
use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;

/// Prints `text` and a line end. Nobody reading any more (`| head`) is no error.
pub(crate) fn print(text: impl Display) -> anyhow::Result<()> {
    match writeln!(io::stdout().lock(), "{text}") {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other.context("cannot write to standard output"),
    }
}

/// Prints `value` as JSON that both people and `jq` read.
pub(crate) fn print_json(value: &impl Serialize) -> anyhow::Result<()> {
    print(serde_json::to_string_pretty(value)?)
}

/// Says on standard error what does not stop the command.
pub(crate) fn warn(text: impl Display) -> anyhow::Result<()> {
    writeln!(io::stderr().lock(), "warning: {text}").context("cannot write to standard error")
}

/// Says on standard error how far the command is.
pub(crate) fn note(text: impl Display) -> anyhow::Result<()> {
    writeln!(io::stderr().lock(), "{text}").context("cannot write to standard error")
}

/// A table of plain columns: as wide as the terminal, easy to cut where there is none.
pub(crate) fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_header(header.to_vec());
    table
}

/// Asks before many events change. Without a terminal nobody can answer: then `--yes` has to be said.
pub(crate) fn confirm(question: &str) -> anyhow::Result<()> {
    if !io::stdin().is_terminal() {
        bail!("{question} Nothing was changed: say --yes where there is no terminal to ask on");
    }
    let mut screen = io::stderr().lock();
    write!(screen, "{question} [y/N] ")?;
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
    writeln!(io::stderr().lock(), "{text}").ok();
    ExitCode::FAILURE
}

//! What could not be imported, one JSON object a line. The file comes to be when there is something to say.

use std::{
    fs::{File, OpenOptions},
    io::{BufWriter, Write as _},
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use common::db::import::Unapplied;
use serde_json::{Value, json};

#[derive(Debug)]
pub(super) struct Report {
    path: PathBuf,
    file: Option<BufWriter<File>>,
}

impl Report {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, file: None }
    }

    /// A record that is no event, as it stands in the file.
    pub(super) fn invalid(&mut self, line: u64, reason: &str, original: &str) -> anyhow::Result<()> {
        self.write(&json!({"line": line, "status": "invalid", "reason": reason, "original": original}))
    }

    /// An event that was decided, but not applied.
    pub(super) fn unapplied(&mut self, event: &Unapplied) -> anyhow::Result<()> {
        self.write(&json!({
            "line": event.line, "status": event.status, "reason": event.reason, "detail": event.detail,
            "event_id": event.event(),
        }))
    }

    /// # Errors
    /// When the file cannot be written.
    pub(super) fn flush(&mut self) -> anyhow::Result<()> {
        match &mut self.file {
            Some(file) => file
                .flush()
                .with_context(|| format!("writing {}", self.path.display())),
            None => Ok(()),
        }
    }

    /// Where it is, or would be.
    pub(super) fn place(&self) -> &Path {
        &self.path
    }

    /// Where it is, if anything was written.
    pub(super) fn path(&self) -> Option<&PathBuf> {
        self.file.is_some().then_some(&self.path)
    }

    fn write(&mut self, line: &Value) -> anyhow::Result<()> {
        let written = || format!("writing {}", self.path.display());
        let file = if let Some(file) = &mut self.file {
            file
        } else {
            let opened = OpenOptions::new().create(true).append(true).open(&self.path);
            self.file.insert(BufWriter::new(opened.with_context(written)?))
        };
        writeln!(file, "{line}").with_context(written)
    }
}

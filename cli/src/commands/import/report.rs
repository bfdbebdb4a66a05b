//! What could not be imported, one JSON object a line. The file comes to be when there is something to say.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufWriter, Write as _},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail};
use common::ops::import::Line;
use serde_json::{Value, json};

#[derive(Debug)]
pub(super) struct Report {
    path: PathBuf,
    file: Option<BufWriter<File>>,
}

impl Report {
    /// At `path`, or beside `file`. What an earlier run wrote there stays for now.
    ///
    /// # Errors
    /// When the report would be written over the file.
    pub(super) fn of(file: &Path, path: Option<&Path>) -> anyhow::Result<Self> {
        let beside = || PathBuf::from(format!("{}.report.ndjson", file.display()));
        let path = path.map_or_else(beside, Path::to_path_buf);
        if let (Ok(report), Ok(file)) = (fs::canonicalize(&path), fs::canonicalize(file))
            && report == file
        {
            bail!(
                "the report {} would be written over the file itself",
                path.display()
            );
        }
        Ok(Self { path, file: None })
    }

    /// Removes what an earlier run wrote: this one begins at the file's first record.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub(super) fn start_anew(&self) -> anyhow::Result<()> {
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(error).with_context(|| format!("removing the old report {}", self.path.display()))
            }
            _ => Ok(()),
        }
    }

    /// A record that is no event, as it stands in the file.
    pub(super) fn invalid(&mut self, line: u64, reason: &str, original: &str) -> anyhow::Result<()> {
        self.write(&json!({"line": line, "status": "invalid", "reason": reason, "original": original}))
    }

    /// An event that was decided, but not applied.
    pub(super) fn unapplied(&mut self, line: &Line) -> anyhow::Result<()> {
        self.write(&json!({
            "line": line.line, "status": line.status, "reason": line.reason, "detail": line.detail,
            "event_id": line.event(),
        }))
    }

    /// An event that is not decided: it waits for its order.
    pub(super) fn waiting(&mut self, line: &Line) -> anyhow::Result<()> {
        self.write(&json!({
            "line": line.line, "status": line.status, "until": line.due_at, "event_id": line.event(),
            "reason": "waits for its order",
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

    /// Where it is, if anything is in it.
    pub(super) fn path(&self) -> Option<&Path> {
        let has_content = fs::metadata(&self.path).is_ok_and(|file| file.is_file() && file.len() > 0);
        has_content.then_some(&self.path)
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

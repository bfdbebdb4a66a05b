//! What could not be imported, one JSON object a line. The file comes to be when there is something to say.

use std::{
    collections::HashSet,
    fs::{self, File},
    io::{self, BufRead as _, BufReader, BufWriter, Write as _},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail};
use common::{
    domain::{EventStatus, Refusal},
    ops::import::Line,
};
use serde_json::{Value, json};

use super::{
    groups::Groups,
    words::{INVALID, REFUSED, THERE, WARNING},
};
use crate::{printable, private_file};

#[derive(Debug)]
pub(super) struct Report {
    path: PathBuf,
    /// What the number of a record is called.
    place: &'static str,
    file: Option<BufWriter<File>>,
}

impl Report {
    /// At `path`, or beside `file`. What an earlier run wrote there stays for now.
    ///
    /// # Errors
    /// When the report would be written over the file.
    pub(super) fn of(file: &Path, path: Option<&Path>, place: &'static str) -> anyhow::Result<Self> {
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
        let file = None;
        Ok(Self { path, place, file })
    }

    /// What the number of a record is called.
    pub(super) fn place(&self) -> &'static str {
        self.place
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
    pub(super) fn invalid(&mut self, place: u64, reason: &str, original: &str) -> anyhow::Result<()> {
        self.write(&json!({
            self.place: place, "status": INVALID, "reason": reason, "original": original,
        }))
    }

    /// What was left out or cut of a record.
    pub(super) fn warnings(&mut self, place: u64, warnings: &[String]) -> anyhow::Result<()> {
        for warning in warnings {
            self.write(&json!({self.place: place, "status": WARNING, "reason": warning}))?;
        }
        Ok(())
    }

    /// A sale that was recorded before: nothing is left to do.
    pub(super) fn there(&mut self, line: &Line) -> anyhow::Result<()> {
        self.write(&json!({
            self.place: line.line, "status": THERE, "reason": THERE, "event_id": line.event(),
        }))
    }

    /// An event that would be refused.
    pub(super) fn refusal(&mut self, place: u64, refusal: &Refusal, original: &str) -> anyhow::Result<()> {
        self.write(&json!({
            self.place: place, "status": REFUSED, "reason": refusal.reason, "detail": refusal.detail,
            "original": original,
        }))
    }

    /// An event that was decided, but not applied, or had no effect.
    pub(super) fn decided(&mut self, line: &Line) -> anyhow::Result<()> {
        self.write(&json!({
            self.place: line.line, "status": line.status, "reason": line.reason, "detail": line.detail,
            "event_id": line.event(),
        }))
    }

    /// An event that is not decided: it waits for its order.
    pub(super) fn waiting(&mut self, line: &Line) -> anyhow::Result<()> {
        self.write(&json!({
            self.place: line.line, "status": line.status, "until": line.due_at, "event_id": line.event(),
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

    /// What is in it, of earlier runs of this import too, by reason. What waited then is left out.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(super) fn groups(&self) -> anyhow::Result<Groups> {
        let mut groups = Groups::default();
        let file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(groups),
            Err(error) => return Err(error).with_context(|| format!("reading {}", self.path.display())),
        };
        let (mut invalid_until, mut warned) = (0, (0, HashSet::new()));
        for line in BufReader::new(file).lines() {
            let line = line.with_context(|| format!("reading {}", self.path.display()))?;
            // Whatever a stopped process has left half written.
            let Ok(line) = serde_json::from_str::<Value>(&line) else {
                continue;
            };
            let text = |name: &str| line.get(name).and_then(Value::as_str);
            let place = line.get(self.place).and_then(Value::as_u64).unwrap_or_default();
            let (Some(status), Some(reason)) = (text("status"), text("reason")) else {
                continue;
            };
            if status == INVALID {
                // A run that was stopped may have reported what the next one read again.
                if place <= invalid_until {
                    continue;
                }
                invalid_until = place;
            }
            if status == WARNING {
                let (until, told) = &mut warned;
                if place < *until {
                    continue;
                }
                if place > *until {
                    (*until, *told) = (place, HashSet::new());
                }
                if !told.insert(reason.to_owned()) {
                    continue;
                }
            }
            if status != EventStatus::Parked.name() {
                groups.add(status, reason, text("detail"), place);
            }
        }
        Ok(groups)
    }

    fn write(&mut self, line: &Value) -> anyhow::Result<()> {
        let written = || format!("writing {}", self.path.display());
        let file = if let Some(file) = &mut self.file {
            file
        } else {
            let opened = private_file::append(&self.path);
            self.file.insert(BufWriter::new(opened.with_context(written)?))
        };
        writeln!(file, "{}", printable::json(&line.to_string())).with_context(written)
    }
}

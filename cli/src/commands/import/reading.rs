//! How a file is read: the same for its fingerprint, its check and its import.

use std::path::PathBuf;

use common::db::keys::Timezone;
use encoding_rs::Encoding;

use super::{format::Format, source::Source};

#[derive(Clone, Debug)]
pub(super) struct Reading {
    pub(super) path: PathBuf,
    pub(super) format: Format,
    /// Columns that are unknown are left out.
    pub(super) ignore_unknown: bool,
    /// Of times without an offset. Default: UTC.
    pub(super) timezone: Option<Timezone>,
    /// Default: UTF-8, or UTF-16 where the file says so.
    pub(super) encoding: Option<&'static Encoding>,
}

impl Reading {
    /// # Errors
    /// As [`Source::open`].
    pub(super) fn source(&self) -> anyhow::Result<Source> {
        Source::open(&self.path, self.encoding)
    }

    #[cfg(test)]
    pub(super) fn of(path: &std::path::Path, format: Format) -> Self {
        Self {
            path: path.to_path_buf(),
            format,
            ignore_unknown: false,
            timezone: None,
            encoding: None,
        }
    }
}

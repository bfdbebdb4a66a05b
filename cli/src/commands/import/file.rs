//! The file itself: that it can be read twice, and what makes it this import and no other.

use std::{
    fs::{self, File},
    io::Read as _,
    path::Path,
};

use anyhow::{Context as _, bail};
use sha2::{Digest as _, Sha256};

use super::format::Format;

/// Opens a regular file. What can be read only once, such as a pipe, could not go on after it was stopped.
///
/// # Errors
/// When it is no regular file or cannot be read.
pub(super) fn open(path: &Path) -> anyhow::Result<File> {
    let name = path.display();
    let found = fs::metadata(path).with_context(|| format!("cannot read {name}"))?;
    if !found.is_file() {
        bail!(
            "{name} is no regular file: write it to one first, so that an import that is stopped can go on"
        );
    }
    File::open(path).with_context(|| format!("cannot read {name}"))
}

/// Of the file's content, how it is read, and the program that it goes to.
///
/// # Errors
/// When the file cannot be read.
pub(super) fn fingerprint(path: &Path, format: Format, program: Option<&str>) -> anyhow::Result<String> {
    let mut file = open(path)?;
    let program = program.unwrap_or_default();
    let mut hash = Sha256::new_with_prefix(format!("{format:?}\n{program}\n"));
    let mut buffer = vec![0; 1024 * 1024];
    loop {
        let read = file.read(&mut buffer).context("reading the file")?;
        let Some(chunk) = buffer.get(..read).filter(|chunk| !chunk.is_empty()) else {
            return Ok(hex::encode(hash.finalize()));
        };
        hash.update(chunk);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_bytes_in_another_format_are_another_import() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("orders");
        fs::write(&file, "external_id,coupon\n").unwrap();
        let of = |format, program| fingerprint(&file, format, program).unwrap();
        assert_eq!(of(Format::Csv, None), of(Format::Csv, None));
        assert_ne!(of(Format::Csv, None), of(Format::Ndjson, None));
        assert_ne!(of(Format::Csv, None), of(Format::Csv, Some("p")));
    }

    #[test]
    fn what_can_be_read_once_only_is_no_file_to_import() {
        let directory = tempfile::tempdir().unwrap();
        for path in [directory.path(), Path::new("/dev/null")] {
            let refused = open(path).unwrap_err().to_string();
            assert!(refused.contains("no regular file"), "{refused}");
        }
    }
}

//! Files that may hold secrets or personal data: nobody but their owner reads them.

use std::{
    fs::{File, OpenOptions, Permissions},
    io,
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::Path,
};

const PRIVATE: u32 = 0o600;

/// Opens a file to write behind what it has, and closes it to others, one that was there, too.
///
/// # Errors
/// When it cannot be written, or belongs to somebody else.
pub(crate) fn append(path: &Path) -> io::Result<File> {
    closed(
        OpenOptions::new()
            .create(true)
            .append(true)
            .mode(PRIVATE)
            .open(path)?,
    )
}

/// Opens a file to write it anew. One that was there keeps its mode: it may be a pipe or a device.
///
/// # Errors
/// When it cannot be written.
pub(crate) fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options
        .create(true)
        .write(true)
        .truncate(true)
        .mode(PRIVATE)
        .open(path)
}

fn closed(file: File) -> io::Result<File> {
    let metadata = file.metadata()?;
    if metadata.is_file() && metadata.permissions().mode() & 0o077 != 0 {
        file.set_permissions(Permissions::from_mode(PRIVATE))?;
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        path.metadata().unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn nobody_else_reads_what_is_written() {
        let directory = tempfile::tempdir().unwrap();
        let (fresh, old, new) = (
            directory.path().join("fresh"),
            directory.path().join("old"),
            directory.path().join("new"),
        );
        append(&fresh).unwrap();
        create(&new).unwrap();
        std::fs::write(&old, "of before").unwrap();
        std::fs::set_permissions(&old, Permissions::from_mode(0o644)).unwrap();
        append(&old).unwrap();
        assert_eq!([mode(&fresh), mode(&old), mode(&new)], [0o600; 3]);
        assert_eq!(std::fs::read_to_string(&old).unwrap(), "of before");
    }
}

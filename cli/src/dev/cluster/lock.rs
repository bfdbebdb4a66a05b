//! One `commissary dev` per state directory: a file lock that the kernel releases with its holder, however that dies.
//! Nothing about PostgreSQL lives here.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use anyhow::{Context as _, bail};

const FILE: &str = "lock";

/// Held from before the cluster is looked for until after it has stopped. The file stays: removing it would let two
/// processes lock two files of one name.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
}

impl Lock {
    /// Fails with a sentence that names the holder when another process has the state directory.
    pub(super) fn take(state: &Path) -> anyhow::Result<Self> {
        let path = state.join(FILE);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .with_context(|| {
                format!(
                    "cannot write {}. If an earlier run was made as another user (root, perhaps), run as that user \
                     again or choose another state directory",
                    path.display()
                )
            })?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                file.read_to_string(&mut holder)
                    .context("cannot read the lock file")?;
                bail!(
                    "another `commissary dev` (process {}) is using {}. Stop it first, or choose another state \
                     directory",
                    holder.trim(),
                    state.display()
                );
            }
            Err(TryLockError::Error(error)) => {
                return Err(error).with_context(|| format!("cannot lock {}", path.display()));
            }
        }
        // The pid is only for the sentence above.
        file.set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| writeln!(file, "{}", std::process::id()))
            .with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Self { file })
    }
}

impl Drop for Lock {
    /// Closing alone is not enough: a child that another thread has just forked shares the lock until it executes its
    /// program, and the next `take` would find it held.
    fn drop(&mut self) {
        // A file that cannot be unlocked is unlocked when the process ends.
        self.file.unlock().ok();
    }
}

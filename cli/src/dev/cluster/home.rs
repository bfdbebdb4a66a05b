//! Where the server's files are: below the state directory, or, when the server's user cannot get there (`/root/x`),
//! in a private directory elsewhere that the state directory remembers. Only directories that carry our mark are ever
//! used or removed. Nothing here starts or asks a server.

use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use super::user::{ServerUser, TOOL_TIMEOUT, succeed};
use crate::private_file;

const INSIDE: &str = "postgres";
/// In the state directory: names the directory elsewhere.
const POINTER: &str = "postgres.path";
/// In our directory: names the state directory it belongs to.
const MARK: &str = "made-by-commissary-dev";
/// Elsewhere, for want of a home directory; unlike /tmp it survives a restart of the machine.
const ELSEWHERE: &str = "/var/tmp";

/// The directory that belongs to the state directory, if an earlier run made one.
pub(super) async fn find(state: &Path) -> anyhow::Result<Option<PathBuf>> {
    let inside = state.join(INSIDE);
    // Succeeds only on an empty directory: what a run leaves that was killed before it could set its mark.
    if inside.exists() && std::fs::remove_dir(&inside).is_err() {
        if read_mark(&inside).await?.is_none() {
            bail!(
                "{} is not empty and was not made by `commissary dev`. Choose another state directory",
                inside.display()
            );
        }
        return Ok(Some(inside));
    }
    let Some(elsewhere) = pointer(state) else {
        return Ok(None);
    };
    let Some(marked) = read_mark(&elsewhere).await? else {
        return Ok(None);
    };
    if marked == state {
        return Ok(Some(elsewhere));
    }
    // A copied state directory points at the data of its original, which is not ours; a moved one is still the owner.
    if pointer(&marked).as_deref() == Some(elsewhere.as_path()) {
        return Ok(None);
    }
    set_mark(&ServerUser::owner_of(&elsewhere).await?, &elsewhere, state).await?;
    Ok(Some(elsewhere))
}

/// Makes an empty, marked directory that only `user` and root can enter.
pub(super) async fn make(state: &Path, user: &ServerUser) -> anyhow::Result<PathBuf> {
    let inside = state.join(INSIDE);
    std::fs::create_dir(&inside).with_context(|| format!("cannot make {}", inside.display()))?;
    let private = std::os::unix::fs::PermissionsExt::from_mode(0o700);
    let usable = std::fs::set_permissions(&inside, private)
        .and_then(|()| user.own(&inside))
        .is_ok();
    let pointer = state.join(POINTER);
    if usable && user.can_use(&inside).await {
        set_mark(user, &inside, state).await?;
        return Ok(inside);
    }
    std::fs::remove_dir(&inside).with_context(|| format!("cannot remove {}", inside.display()))?;
    let elsewhere = make_elsewhere(user).await?;
    set_mark(user, &elsewhere, state).await?;
    private_file::create(&pointer)
        .and_then(|mut file| file.write_all(elsewhere.as_os_str().as_encoded_bytes()))
        .with_context(|| format!("cannot write {}", pointer.display()))?;
    Ok(elsewhere)
}

/// Removes a directory that `find` returned.
pub(super) async fn remove(state: &Path, base: &Path) -> anyhow::Result<()> {
    tokio::fs::remove_dir_all(base)
        .await
        .with_context(|| format!("cannot remove {}", base.display()))?;
    let pointer = state.join(POINTER);
    match std::fs::remove_file(&pointer) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", pointer.display()))
        }
        _ => Ok(()),
    }
}

async fn make_elsewhere(user: &ServerUser) -> anyhow::Result<PathBuf> {
    if let Some(home) = &user.home
        && let Ok(made) = user.private_dir_in(home).await
    {
        return Ok(made);
    }
    user.private_dir_in(Path::new(ELSEWHERE))
        .await
        .context("found no directory for the data of PostgreSQL")
}

fn pointer(state: &Path) -> Option<PathBuf> {
    let path = std::fs::read_to_string(state.join(POINTER)).ok()?;
    Some(PathBuf::from(path)).filter(|path| path.is_absolute())
}

async fn read_mark(base: &Path) -> anyhow::Result<Option<PathBuf>> {
    match std::fs::read_to_string(base.join(MARK)) {
        Ok(state) => Ok(Some(PathBuf::from(state))),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => {
            // Says whose it is when that is the trouble.
            ServerUser::owner_of(base).await?;
            Err(error).with_context(|| format!("cannot read {}", base.display()))
        }
    }
}

async fn set_mark(user: &ServerUser, base: &Path, state: &Path) -> anyhow::Result<()> {
    let mut command = user.command("sh");
    command
        .args(["-c", r#"printf %s "$1" >"$2""#, "sh"])
        .arg(state)
        .arg(base.join(MARK));
    succeed(&mut command, TOOL_TIMEOUT)
        .await
        .with_context(|| format!("cannot write into {}", base.display()))?;
    Ok(())
}

//! The system user whom the server runs as, and the commands that run as that user.
//! PostgreSQL refuses to run as root; everything that touches the server's files goes through here, so that root never
//! writes below a directory of somebody else.

use std::ffi::OsStr;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use tokio::process::Command;

/// The user that the server packages of every system create.
const SERVER_ACCOUNT: &str = "postgres";
const ROOT: u32 = 0;
/// For the small tools (`id`, `mktemp`, `rm`), which answer in milliseconds.
pub(super) const TOOL_TIMEOUT: Duration = Duration::from_secs(10);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ServerUser {
    /// User and group to change to; `None` when the server runs as ourselves.
    drop_to: Option<(u32, u32)>,
    /// Home directory of the account, where data can go which the state directory cannot hold.
    pub(super) home: Option<PathBuf>,
}

impl ServerUser {
    const OURSELVES: Self = Self {
        drop_to: None,
        home: None,
    };

    /// The user for a new cluster.
    pub(super) async fn choose() -> anyhow::Result<Self> {
        if own_uid().await? != ROOT {
            return Ok(Self::OURSELVES);
        }
        let passwd = passwd_entries().await?;
        passwd.lines().find_map(account).ok_or_else(|| {
            anyhow!(
                "PostgreSQL does not run as root, and there is no user `{SERVER_ACCOUNT}` to run it as. Install the \
                 server's package (`apt-get install postgresql`), run as an ordinary user, or set DATABASE_URL"
            )
        })
    }

    /// The user of a cluster that is already there: its owner, whatever user made it.
    pub(super) async fn owner_of(dir: &Path) -> anyhow::Result<Self> {
        let owner = dir
            .symlink_metadata()
            .with_context(|| format!("cannot look at {}", dir.display()))?;
        let own = own_uid().await?;
        match (own, owner.uid()) {
            (ROOT, ROOT) => bail!(
                "{} belongs to root, as a copied directory does, and PostgreSQL does not run as root. Give it back to \
                 its user, or start with --fresh",
                dir.display()
            ),
            (ROOT, uid) => Ok(Self {
                drop_to: Some((uid, owner.gid())),
                home: None,
            }),
            (own, uid) if own == uid => Ok(Self::OURSELVES),
            (_, uid) => bail!(
                "{} belongs to another user (uid {uid}): an earlier run was made as root. Run as root again, or choose \
                 another state directory",
                dir.display()
            ),
        }
    }

    /// A command that runs as this user, from a directory everybody can enter, in a process group of its own (Ctrl-C in
    /// the terminal is for the application), and blind to libpq's variables, which may point at another server.
    pub(super) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        if let Some((uid, gid)) = self.drop_to {
            command.uid(uid).gid(gid);
        }
        for (name, _) in std::env::vars_os() {
            if name.as_encoded_bytes().starts_with(b"PG") {
                command.env_remove(name);
            }
        }
        command
            .env("LC_ALL", "C")
            .current_dir("/")
            .process_group(0)
            .stdin(Stdio::null())
            .kill_on_drop(true);
        command
    }

    /// Makes a directory that only this user and root can enter, with a name nobody could have taken before.
    pub(super) async fn private_dir_in(&self, parent: &Path) -> anyhow::Result<PathBuf> {
        let mut command = self.command("mktemp");
        command.arg("-d").arg(parent.join("commissary-XXXXXXXX"));
        let made = succeed(&mut command, TOOL_TIMEOUT).await?;
        Ok(PathBuf::from(made.trim_end_matches('\n')))
    }

    /// Whether this user can make files in `dir`: being its owner does not help when a directory above is closed.
    pub(super) async fn can_use(&self, dir: &Path) -> bool {
        let mut command = self.command("sh");
        command.args(["-c", r#"cd "$1" && test -w ."#, "sh"]).arg(dir);
        succeed(&mut command, TOOL_TIMEOUT).await.is_ok()
    }

    /// Removes a file or directory if it is there; as this user, who can do no harm to files of others.
    pub(super) async fn remove(&self, path: &Path) -> anyhow::Result<()> {
        succeed(self.command("rm").arg("-rf").arg(path), TOOL_TIMEOUT).await?;
        Ok(())
    }

    /// Gives a file or directory of ours to this user.
    pub(super) fn own(&self, dir: &Path) -> std::io::Result<()> {
        match self.drop_to {
            Some((uid, gid)) => std::os::unix::fs::lchown(dir, Some(uid), Some(gid)),
            None => Ok(()),
        }
    }
}

/// Runs a command to its end; `timeout` bounds it.
pub(super) async fn output(command: &mut Command, timeout: Duration) -> anyhow::Result<Output> {
    let name = command.as_std().get_program().to_string_lossy().into_owned();
    tokio::time::timeout(timeout, command.output())
        .await
        .map_err(|_elapsed| anyhow!("{name} did not end within {} s", timeout.as_secs()))?
        .with_context(|| format!("cannot run {name}"))
}

/// Runs a command that must succeed, and returns what it printed.
pub(super) async fn succeed(command: &mut Command, timeout: Duration) -> anyhow::Result<String> {
    let output = output(command, timeout).await?;
    if !output.status.success() {
        let name = command.as_std().get_program().to_string_lossy();
        bail!(
            "{name} failed ({}): {}",
            output.status,
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

async fn own_uid() -> anyhow::Result<u32> {
    let mut command = ServerUser::OURSELVES.command("id");
    let printed = succeed(command.arg("-u"), TOOL_TIMEOUT).await?;
    printed.trim().parse().context("`id -u` printed no number")
}

/// The accounts of this machine; `getent` also knows those that are not in the file, but not every system has it.
async fn passwd_entries() -> anyhow::Result<String> {
    let mut command = ServerUser::OURSELVES.command("getent");
    match succeed(command.args(["passwd", SERVER_ACCOUNT]), TOOL_TIMEOUT).await {
        Ok(entry) => Ok(entry),
        Err(_no_getent_or_no_account) => {
            std::fs::read_to_string("/etc/passwd").context("cannot read /etc/passwd")
        }
    }
}

/// Reads one line of passwd(5) if it is the server's account.
fn account(line: &str) -> Option<ServerUser> {
    let mut fields = line.split(':');
    if fields.next() != Some(SERVER_ACCOUNT) {
        return None;
    }
    let uid = fields.nth(1)?.parse().ok()?;
    let gid = fields.next()?.parse().ok()?;
    let home = fields
        .nth(1)
        .filter(|home| home.starts_with('/'))
        .map(PathBuf::from);
    Some(ServerUser {
        drop_to: Some((uid, gid)),
        home,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_servers_account_is_found_among_others() {
        let passwd = "root:x:0:0:root:/root:/bin/bash\npostgresql:x:1:1::/:/bin/sh\n\
                      postgres:x:101:104:PostgreSQL administrator,,,:/var/lib/postgresql:/bin/bash\n";
        let found = passwd.lines().find_map(account).unwrap();
        assert_eq!(found.drop_to, Some((101, 104)));
        assert_eq!(found.home.as_deref(), Some(Path::new("/var/lib/postgresql")));
        assert_eq!("postgres:x:many:104::/:/bin/sh".lines().find_map(account), None);
        assert_eq!("root:x:0:0:root:/root:/bin/bash".lines().find_map(account), None);
    }

    #[tokio::test]
    async fn commands_do_not_run_as_root_and_know_nothing_of_libpq() {
        let user = ServerUser::choose().await.unwrap();
        let uid = succeed(user.command("id").arg("-u"), TOOL_TIMEOUT).await.unwrap();
        assert_ne!(uid.trim(), "0");
        let variables = succeed(user.command("env").env_remove("PGX"), TOOL_TIMEOUT)
            .await
            .unwrap();
        assert!(
            !variables.lines().any(|line| line.starts_with("PG")),
            "{variables}"
        );
    }

    #[tokio::test]
    async fn a_command_that_hangs_is_ended_and_one_that_fails_is_quoted() {
        let user = ServerUser::choose().await.unwrap();
        let error = succeed(user.command("sleep").arg("60"), Duration::from_millis(50))
            .await
            .unwrap_err();
        assert!(error.to_string().contains("sleep did not end"), "{error}");
        let mut failing = user.command("sh");
        let error = succeed(failing.args(["-c", "echo broken >&2; exit 3"]), TOOL_TIMEOUT)
            .await
            .unwrap_err();
        assert!(error.to_string().contains("broken"), "{error}");
    }
}

//! What `postmaster.pid` says, and whether the process it names is still the server of this data directory.
//! A number alone proves nothing: it outlives a `kill -9`, is copied with the directory, and gets reused.

use std::path::{Path, PathBuf};

use super::user::{ServerUser, TOOL_TIMEOUT, succeed};

const FILE: &str = "postmaster.pid";
/// Lines of the file, from zero (PostgreSQL: `pidfile.h`).
const PID_LINE: usize = 0;
const DATA_LINE: usize = 1;
const SOCKET_LINE: usize = 4;
const STATUS_LINE: usize = 7;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PidFile {
    pub(super) pid: u32,
    /// The data directory under the name it had when the server started.
    pub(super) data: PathBuf,
    pub(super) socket_dir: Option<PathBuf>,
    pub(super) ready: bool,
}

impl PidFile {
    pub(super) fn path(data: &Path) -> PathBuf {
        data.join(FILE)
    }

    /// `None` when there is no file or the server has not finished its first lines.
    pub(super) fn read(data: &Path) -> Option<Self> {
        Self::parse(&std::fs::read_to_string(Self::path(data)).ok()?)
    }

    /// Like `read`, and the process is the running server of this very directory.
    pub(super) async fn of_running(user: &ServerUser, data: &Path) -> Option<Self> {
        let found = Self::read(data)?;
        let data = data.canonicalize().ok()?;
        (working_dir(user, found.pid).await? == data).then_some(found)
    }

    fn parse(text: &str) -> Option<Self> {
        let line = |number: usize| text.lines().nth(number).map(str::trim_end);
        Some(Self {
            pid: line(PID_LINE)?.parse().ok()?,
            data: PathBuf::from(line(DATA_LINE)?),
            socket_dir: line(SOCKET_LINE).filter(|dir| !dir.is_empty()).map(PathBuf::from),
            ready: line(STATUS_LINE) == Some("ready"),
        })
    }
}

/// Whether the number is taken, be it by another program or by a dead process that nobody has reaped.
pub(super) async fn is_taken(user: &ServerUser, pid: u32) -> bool {
    if cfg!(target_os = "linux") {
        return Path::new("/proc").join(pid.to_string()).exists();
    }
    succeed(user.command("ps").arg("-p").arg(pid.to_string()), TOOL_TIMEOUT)
        .await
        .is_ok()
}

/// A server works in its data directory. Asked as the server's user: in a container root may be refused.
async fn working_dir(user: &ServerUser, pid: u32) -> Option<PathBuf> {
    if cfg!(target_os = "linux") {
        let mut command = user.command("readlink");
        let printed = succeed(command.arg(format!("/proc/{pid}/cwd")), TOOL_TIMEOUT)
            .await
            .ok()?;
        return Some(PathBuf::from(printed.trim_end_matches('\n')));
    }
    let mut command = user.command("lsof");
    command
        .args(["-a", "-d", "cwd", "-Fn", "-p"])
        .arg(pid.to_string());
    let printed = succeed(&mut command, TOOL_TIMEOUT).await.ok()?;
    printed
        .lines()
        .find_map(|line| line.strip_prefix('n'))
        .map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUNNING: &str =
        "4711\n/state/postgres/data\n1795000000\n5432\n/tmp/commissary-a1b2\n\n  3 4\nready   \n";

    #[test]
    fn a_file_is_read_at_every_stage_of_the_start() {
        let found = PidFile::parse(RUNNING).unwrap();
        assert_eq!((found.pid, found.ready), (4711, true));
        assert_eq!(found.data, Path::new("/state/postgres/data"));
        assert_eq!(
            found.socket_dir.as_deref(),
            Some(Path::new("/tmp/commissary-a1b2"))
        );
        assert!(
            !PidFile::parse(&RUNNING.replace("ready   ", "stopping"))
                .unwrap()
                .ready
        );
        let early = PidFile::parse("4711\n/state/postgres/data\n1795000000\n5432\n").unwrap();
        assert_eq!((early.socket_dir, early.ready), (None, false));
        assert_eq!(PidFile::parse(""), None);
        assert_eq!(PidFile::parse("not a number\n/x\n"), None);
    }

    #[tokio::test]
    async fn a_process_that_is_not_the_server_of_the_directory_does_not_count() {
        let user = ServerUser::choose().await.unwrap();
        let data = std::env::temp_dir().join(format!("commissary-pid-file-{}", std::process::id()));
        std::fs::create_dir(&data).unwrap();
        let own = std::process::id();
        std::fs::write(PidFile::path(&data), RUNNING.replace("4711", &own.to_string())).unwrap();
        let running = PidFile::of_running(&user, &data).await;
        std::fs::remove_dir_all(&data).unwrap();
        assert_eq!(running, None);
        assert!(is_taken(&user, own).await);
        assert!(!is_taken(&user, u32::MAX).await);
    }
}

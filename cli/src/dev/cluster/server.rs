//! Starts, adopts, asks and stops the server of one data directory, through PostgreSQL's own programs.
//! Where the directory is and whose it is are decided by the callers.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use tokio::time::Instant;

use super::binaries::Binaries;
use super::pid_file::{PidFile, is_taken};
use super::tuning::Tuning;
use super::user::{ServerUser, TOOL_TIMEOUT, output, succeed};
use crate::private_file;

/// Role and database; the role is the superuser of its private cluster.
pub(super) const NAME: &str = "commissary";
pub(super) const PORT: u16 = 5432;
/// Not the system's temporary directory, which may be too long: a socket path has 104 to 108 bytes.
const SOCKET_PARENT: &str = "/tmp";

const INITDB_TIMEOUT: Duration = Duration::from_mins(2);
/// Long enough for crash recovery over `max_wal_size`.
const START_TIMEOUT: Duration = Duration::from_secs(90);
const STOP_TIMEOUT: Duration = Duration::from_mins(1);
const QUERY_TIMEOUT: Duration = Duration::from_secs(30);
/// PostgreSQL announces its status only in a file.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

const LOG_BYTES_MAX: u64 = 10 * 1024 * 1024;
const LOG_TAIL_BYTES: u64 = 8 * 1024;
const LOG_TAIL_LINES: usize = 15;
/// What a server says when processes of a killed predecessor still hold its memory; they end by themselves.
const ORPHANS: &str = "pre-existing shared memory block";

/// A developer's machine: little memory, no TCP, but durable, so that what holds here holds in production.
const SETTINGS: [&str; 12] = [
    "listen_addresses=",
    "max_connections=100",
    "shared_buffers=128MB",
    "max_wal_size=2GB",
    "wal_compression=on",
    "fsync=on",
    "synchronous_commit=on",
    "full_page_writes=on",
    "timezone=UTC",
    "log_timezone=UTC",
    "logging_collector=off",
    "log_destination=stderr",
];

#[derive(Debug)]
pub(super) struct Server {
    pub(super) binaries: Binaries,
    pub(super) user: ServerUser,
    pub(super) data: PathBuf,
    pub(super) log: PathBuf,
    pub(super) tuning: Tuning,
}

impl Server {
    /// Makes the data directory; a killed run leaves none rather than half of one.
    pub(super) async fn init(&self) -> anyhow::Result<()> {
        let unfinished = self.data.with_extension("unfinished");
        self.user.remove(&unfinished).await?;
        let mut command = self.user.command(self.binaries.path("initdb"));
        command.args([
            "--username",
            NAME,
            "--encoding=UTF8",
            "--locale=C",
            "--no-instructions",
        ]);
        command
            .args(["--auth-local=trust", "--auth-host=reject", "--pgdata"])
            .arg(&unfinished);
        succeed(&mut command, INITDB_TIMEOUT)
            .await
            .context("cannot make a PostgreSQL cluster")?;
        std::fs::rename(&unfinished, &self.data)
            .with_context(|| format!("cannot make {}", self.data.display()))
    }

    /// Starts the server or adopts a running one; returns its socket directory once it accepts connections.
    pub(super) async fn up(&self) -> anyhow::Result<PathBuf> {
        let deadline = Instant::now() + START_TIMEOUT;
        while Instant::now() < deadline {
            match PidFile::of_running(&self.user, &self.data).await {
                Some(PidFile {
                    ready: true,
                    socket_dir: Some(dir),
                    ..
                }) if socket_in(&dir).exists() => return Ok(dir),
                // Nobody can connect any more: something has cleaned the temporary directory.
                Some(PidFile { ready: true, .. }) => self.down().await?,
                Some(_starting_or_stopping) => tokio::time::sleep(POLL_INTERVAL).await,
                None if self.launch().await? => {}
                None => tokio::time::sleep(POLL_INTERVAL).await,
            }
        }
        Err(self.failure(&format!(
            "PostgreSQL was not ready within {} s",
            START_TIMEOUT.as_secs()
        )))
    }

    /// Fast shutdown: ends open connections, writes a checkpoint, waits. No error if the server does not run.
    pub(super) async fn down(&self) -> anyhow::Result<()> {
        let Some(running) = PidFile::of_running(&self.user, &self.data).await else {
            return sweep(&self.user, &self.data).await;
        };
        let mut command = self.user.command(self.binaries.path("pg_ctl"));
        command
            .args(["stop", "-s", "-m", "fast", "-w", "-t"])
            .arg(STOP_TIMEOUT.as_secs().to_string());
        let stopped = output(command.env("PGDATA", &self.data), STOP_TIMEOUT + TOOL_TIMEOUT).await?;
        if PidFile::of_running(&self.user, &self.data).await.is_some() {
            let what = format!(
                "PostgreSQL (process {}) did not stop ({})",
                running.pid, stopped.status
            );
            return Err(self.failure(&what));
        }
        match running.socket_dir {
            Some(dir) => remove_socket_dir(&self.user, &dir).await,
            None => Ok(()),
        }
    }

    /// Makes the database if it is not there.
    pub(super) async fn ensure_database(&self, socket_dir: &Path) -> anyhow::Result<()> {
        let found = format!("SELECT count(*) FROM pg_database WHERE datname = '{NAME}'");
        if self.query(socket_dir, &found).await? == "0" {
            self.query(socket_dir, &format!("CREATE DATABASE {NAME}")).await?;
        }
        Ok(())
    }

    async fn query(&self, socket_dir: &Path, sql: &str) -> anyhow::Result<String> {
        let mut command = self.user.command(self.binaries.path("psql"));
        command
            .args([
                "-XAtq",
                "-v",
                "ON_ERROR_STOP=1",
                "-U",
                NAME,
                "-d",
                "postgres",
                "-p",
            ])
            .arg(PORT.to_string());
        command.arg("-h").arg(socket_dir).args(["-c", sql]);
        match succeed(&mut command, QUERY_TIMEOUT).await {
            Ok(printed) => Ok(printed.trim().to_owned()),
            Err(error) => Err(self.failure(&format!("PostgreSQL did not answer: {error}"))),
        }
    }

    /// One try; false when a killed predecessor has not quite gone, so that another try is in place.
    async fn launch(&self) -> anyhow::Result<bool> {
        sweep(&self.user, &self.data).await?;
        let socket_dir = self.user.private_dir_in(Path::new(SOCKET_PARENT)).await?;
        let mut log = self.open_log()?;
        let log_start = log.seek(SeekFrom::End(0)).context("cannot read the log")?;
        let mut options = format!("-p {PORT} -k {}", socket_dir.display());
        let more = self.tuning.settings_for(&self.binaries.path("postgres"));
        for setting in SETTINGS.into_iter().chain(more.iter().map(String::as_str)) {
            options.push_str(" -c ");
            options.push_str(setting);
        }
        // pg_ctl gives the server a session of its own, and the server inherits the log from it: its user may be
        // unable to open files of the state directory. The data directory goes by environment because pg_ctl would
        // hand an argument to a shell.
        let mut command = self.user.command(self.binaries.path("pg_ctl"));
        command
            .args(["start", "-s", "-w", "-t"])
            .arg(START_TIMEOUT.as_secs().to_string());
        command.arg("-o").arg(options).env("PGDATA", &self.data);
        command
            .stdout(log.try_clone().context("cannot share the log")?)
            .stderr(log);
        let status = command.status().await.context("cannot run pg_ctl")?;
        if status.success() {
            return Ok(true);
        }
        if PidFile::of_running(&self.user, &self.data).await.is_none() {
            remove_socket_dir(&self.user, &socket_dir).await?;
        }
        if self.log_since(log_start).contains(ORPHANS) {
            return Ok(false);
        }
        Err(self.failure(&format!("PostgreSQL did not start ({status})")))
    }

    fn open_log(&self) -> anyhow::Result<File> {
        let cannot = || format!("cannot write {}", self.log.display());
        if self.log.metadata().is_ok_and(|log| log.len() > LOG_BYTES_MAX) {
            std::fs::rename(&self.log, self.log.with_extension("old.log")).with_context(cannot)?;
        }
        // Statements that fail stand in it with their values.
        let log = private_file::append(&self.log).with_context(cannot)?;
        // Root may be visiting the cluster of an ordinary user, who has to write this log tomorrow.
        self.user.own(&self.log).with_context(cannot)?;
        Ok(log)
    }

    fn log_since(&self, start: u64) -> String {
        let mut bytes = Vec::new();
        let read = File::open(&self.log).and_then(|mut log| {
            log.seek(SeekFrom::Start(start))?;
            log.take(LOG_BYTES_MAX).read_to_end(&mut bytes)
        });
        match read {
            Ok(_) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(error) => format!("(the log cannot be read: {error})"),
        }
    }

    /// An error with the last lines of the log, where the reason is.
    fn failure(&self, what: &str) -> anyhow::Error {
        let length = self.log.metadata().map_or(0, |log| log.len());
        let text = self.log_since(length.saturating_sub(LOG_TAIL_BYTES));
        let lines: Vec<&str> = text.lines().collect();
        let tail = lines
            .split_at(lines.len().saturating_sub(LOG_TAIL_LINES))
            .1
            .join("\n");
        anyhow!("{what}. The end of {}:\n{tail}", self.log.display())
    }
}

/// Clears what a killed server has left. PostgreSQL itself copes with a stale pid file, unless the number belongs to some
/// process again, or still does to one that nobody reaps (the first process of many containers).
pub(super) async fn sweep(user: &ServerUser, data: &Path) -> anyhow::Result<()> {
    let Some(stale) = PidFile::read(data) else {
        return Ok(());
    };
    if let Some(dir) = &stale.socket_dir
        // In a copied directory the file speaks of the original, which may be alive.
        && stale.data == data
    {
        remove_socket_dir(user, dir).await?;
    }
    if is_taken(user, stale.pid).await {
        user.remove(&PidFile::path(data)).await?;
    }
    Ok(())
}

async fn remove_socket_dir(user: &ServerUser, dir: &Path) -> anyhow::Result<()> {
    let ours = dir.parent() == Some(Path::new(SOCKET_PARENT))
        && dir
            .file_name()
            .is_some_and(|name| name.as_encoded_bytes().starts_with(b"commissary-"));
    if ours { user.remove(dir).await } else { Ok(()) }
}

/// The major version that made a data directory; `None` if there is none.
pub(super) fn major_of(data: &Path) -> anyhow::Result<Option<u32>> {
    let path = data.join("PG_VERSION");
    match std::fs::read_to_string(&path) {
        Ok(text) => match text.trim().parse() {
            Ok(major) => Ok(Some(major)),
            Err(_not_a_number) => {
                bail!(
                    "{} names no version of PostgreSQL. Start with --fresh",
                    path.display()
                )
            }
        },
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

pub(super) fn socket_in(dir: &Path) -> PathBuf {
    dir.join(format!(".s.PGSQL.{PORT}"))
}

//! The private PostgreSQL cluster behind `commissary dev`: made once below the state directory, started, adopted when
//! a killed run has left it alive, stopped. It speaks no TCP and knows nothing of the application's tables.

mod binaries;
mod home;
mod lock;
mod pid_file;
mod server;
#[cfg(test)]
mod tests;
mod tuning;
mod user;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use binaries::Binaries;
use lock::Lock;
use pid_file::PidFile;
use server::{NAME, PORT, Server};
use user::ServerUser;

pub(crate) use tuning::Tuning;

const LOG: &str = "postgres.log";
const DATA: &str = "data";

/// A running cluster. Dropped without `stop`, it goes on running and the next run adopts it.
#[derive(Debug)]
pub(crate) struct Cluster {
    server: Server,
    socket_dir: PathBuf,
    _lock: Lock,
}

impl Cluster {
    /// Finds the programs, makes the cluster below `state` if there is none, and starts it or adopts a live one.
    /// Errors are sentences for the person at the terminal; they end with the server's log where that has the reason.
    pub(crate) async fn start(state: &Path) -> anyhow::Result<Self> {
        Self::start_tuned(state, Tuning::default()).await
    }

    /// As [`Cluster::start`], for another purpose than developing. A live one that is adopted keeps its settings.
    pub(crate) async fn start_tuned(state: &Path, tuning: Tuning) -> anyhow::Result<Self> {
        let state = prepare(state)?;
        let lock = Lock::take(&state)?;
        let mut server = match home::find(&state).await? {
            Some(base) => existing(&state, &base).await?,
            None => new(&state).await?,
        };
        server.tuning = tuning;
        if server::major_of(&server.data)?.is_none() {
            server.init().await?;
        }
        let socket_dir = server.up().await?;
        server.ensure_database(&socket_dir).await?;
        Ok(Self {
            server,
            socket_dir,
            _lock: lock,
        })
    }

    /// Where the database is, for sqlx and libpq alike. Port and sslmode are spelt out because both libraries would
    /// otherwise take them from PGPORT and PGSSLMODE.
    pub(crate) fn url(&self) -> String {
        let host = percent_encoded(self.socket_dir.as_os_str().as_encoded_bytes());
        format!("postgres://{NAME}@localhost:{PORT}/{NAME}?host={host}&sslmode=disable")
    }

    /// Fast shutdown, and waits for it. The application should have drained: open connections are cut.
    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        self.server.down().await
    }

    /// For `--fresh`: stops a cluster that is alive and removes its data, and nothing that we have not made.
    pub(crate) async fn destroy(state: &Path) -> anyhow::Result<()> {
        let state = prepare(state)?;
        let _lock = Lock::take(&state)?;
        let Some(base) = home::find(&state).await? else {
            return Ok(());
        };
        // Data without a possible server user (copied by root) cannot be running.
        if let Ok(user) = ServerUser::owner_of(&base).await {
            let data = base.join(DATA);
            if PidFile::of_running(&user, &data).await.is_some() {
                let binaries = Binaries::newest(&user).await?;
                Server {
                    binaries,
                    user,
                    data,
                    log: state.join(LOG),
                    tuning: Tuning::default(),
                }
                .down()
                .await?;
            } else {
                server::sweep(&user, &data).await?;
            }
        }
        home::remove(&state, &base).await
    }
}

async fn existing(state: &Path, base: &Path) -> anyhow::Result<Server> {
    let user = ServerUser::owner_of(base).await?;
    if !user.can_use(base).await {
        bail!(
            "the owner of {} can no longer enter it: open the directories above it, or start with --fresh",
            base.display()
        );
    }
    let data = base.join(DATA);
    let binaries = match server::major_of(&data)? {
        Some(major) => Binaries::of_major(&user, major, &data).await?,
        None => Binaries::newest(&user).await?,
    };
    Ok(Server {
        binaries,
        user,
        data,
        log: state.join(LOG),
        tuning: Tuning::default(),
    })
}

async fn new(state: &Path) -> anyhow::Result<Server> {
    let user = ServerUser::choose().await?;
    let binaries = Binaries::newest(&user).await?;
    let data = home::make(state, &user).await?.join(DATA);
    Ok(Server {
        binaries,
        user,
        data,
        log: state.join(LOG),
        tuning: Tuning::default(),
    })
}

/// Makes the state directory and gives it one name, whatever way it was spelt.
fn prepare(state: &Path) -> anyhow::Result<PathBuf> {
    std::fs::create_dir_all(state)
        .and_then(|()| state.canonicalize())
        .with_context(|| format!("cannot make the state directory {}", state.display()))
}

fn percent_encoded(bytes: &[u8]) -> String {
    let mut encoded = String::with_capacity(bytes.len() * 3);
    for &byte in bytes {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            write!(encoded, "%{byte:02X}").unwrap_or_default();
        }
    }
    encoded
}

//! A role of the product as a process of its own, from this very executable.

use std::{
    fs::File,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::Path,
    process::Stdio,
    time::Duration,
};

use anyhow::{Context as _, bail};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::{
    process::{Child, Command},
    time::{Instant, sleep},
};

use super::process_list;
use crate::commands::ready;

const READY: Duration = Duration::from_mins(1);
const END: Duration = Duration::from_secs(40);
const MOST_CONNECTIONS: &str = "20000";
const POLL: Duration = Duration::from_millis(50);
/// What of the environment it sees: everything else would be the operator's own configuration.
const INHERITED: [&str; 4] = ["PATH", "HOME", "LANG", "TMPDIR"];

/// What a role is told.
#[derive(Clone, Debug)]
pub(super) struct Surroundings {
    pub(super) database_url: SecretString,
    pub(super) amqp_url: Option<SecretString>,
    pub(super) amqp_prefix: String,
}

/// A running role. Dropped, it is killed.
#[derive(Debug)]
pub(super) struct Role {
    pub(super) name: &'static str,
    pub(super) address: SocketAddr,
    child: Child,
}

impl Role {
    /// Starts `commissary NAME` and waits until it is ready. Its log goes to a file of `logs`.
    ///
    /// # Errors
    /// With its log when it ends, or is not ready in time.
    pub(super) async fn start(
        name: &'static str,
        around: &Surroundings,
        logs: &Path,
    ) -> anyhow::Result<Self> {
        let mut command = own_executable()?;
        command.env("DATABASE_URL", around.database_url.expose_secret());
        command.env("COMMISSARY_AMQP_PREFIX", &around.amqp_prefix);
        if let Some(url) = &around.amqp_url {
            command.env("AMQP_URL", url.expose_secret());
        }
        // All connections are of one client.
        command.env("COMMISSARY_MAX_CONNECTIONS", MOST_CONNECTIONS);
        command.env("COMMISSARY_MAX_CLIENT_CONNECTIONS", MOST_CONNECTIONS);
        command.arg(name);
        Self::launch(name, command, logs).await
    }

    /// Starts what serves on the address that is added to `command`.
    ///
    /// # Errors
    /// As [`Role::start`].
    pub(super) async fn launch(
        name: &'static str,
        mut command: Command,
        logs: &Path,
    ) -> anyhow::Result<Self> {
        let address = free_address()?;
        let path = logs.join(format!("{name}.log"));
        let log = File::create(&path).with_context(|| format!("making {}", path.display()))?;
        command
            .arg("--listen")
            .arg(address.to_string())
            .stdout(Stdio::null())
            .stderr(log);
        let child = command.spawn().with_context(|| format!("starting {name}"))?;
        let mut role = Self { name, address, child };
        let log = || std::fs::read_to_string(&path).unwrap_or_default();
        let deadline = Instant::now() + READY;
        while !ready::is_ready(address).await {
            if let Some(status) = role.child.try_wait()? {
                bail!("{name} ended before it was ready ({status}):\n{}", log());
            }
            if Instant::now() >= deadline {
                bail!("{name} was not ready within {} s:\n{}", READY.as_secs(), log());
            }
            sleep(POLL).await;
        }
        Ok(role)
    }

    /// Its process, while it runs.
    pub(super) fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// Ends it as an orchestrator does, and waits.
    ///
    /// # Errors
    /// When it does not end well and in time.
    pub(super) async fn stop(mut self) -> anyhow::Result<()> {
        let Some(pid) = self.pid() else {
            bail!("{} ended by itself", self.name);
        };
        process_list::signal("TERM", pid).await;
        match tokio::time::timeout(END, self.child.wait()).await {
            Ok(status) => {
                let status = status?;
                if !status.success() {
                    bail!("{} did not end well ({status})", self.name);
                }
                Ok(())
            }
            Err(_elapsed) => bail!("{} did not end within {} s", self.name, END.as_secs()),
        }
    }
}

/// This executable, in a process group of its own: Ctrl-C in the terminal is for the measurement, which ends it.
///
/// # Errors
/// When the system does not say where it is.
pub(super) fn own_executable() -> anyhow::Result<Command> {
    let mut command = Command::new(std::env::current_exe().context("finding this executable")?);
    command
        .env_clear()
        .envs(std::env::vars_os().filter(|(name, _)| INHERITED.iter().any(|kept| name == kept)))
        .env("COMMISSARY_LOG", "warn")
        .process_group(0)
        .stdin(Stdio::null())
        .kill_on_drop(true);
    Ok(command)
}

/// A port that was free a moment ago.
fn free_address() -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("finding a free port")?;
    Ok(listener.local_addr()?)
}

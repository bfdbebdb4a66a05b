//! A private RabbitMQ node from the installed programs, below a folder, for as long as a measurement takes. It listens on this machine
//! only, beside any other that runs.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener},
    os::unix::fs::{DirBuilderExt as _, PermissionsExt},
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use anyhow::{Context as _, bail};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    process::{Child, Command},
    time::{Instant, sleep},
};

use crate::bench::process_list;

/// Folders of the real programs: those in Debian's PATH insist on the user `rabbitmq`. `*` is any version.
const PLACES: [(&str, &str); 2] = [
    ("/opt/rabbitmq/sbin", ""),
    ("/usr/lib/rabbitmq/lib", "rabbitmq_server-"),
];
const START: Duration = Duration::from_mins(2);
const STOP: Duration = Duration::from_mins(1);
const POLL: Duration = Duration::from_millis(100);
/// What a broker answers an AMQP header with begins with this: a method frame.
const METHOD_FRAME: u8 = 1;
/// Erlang ignores this argument; it tells our processes from others.
const MARK: &str = "-commissary";
/// Ports of the node, of its distribution and of its name server: below those that Linux gives to outgoing connections.
const PORTS: std::ops::Range<u16> = 20_000..32_000;

/// A running node. Dropped, it goes on; `stop` ends it.
#[derive(Debug)]
pub(super) struct Rabbit {
    home: PathBuf,
    port: u16,
    epmd: Child,
    launcher: Child,
}

/// The folder of `rabbitmq-server`, where one is installed.
pub(super) fn programs() -> Option<PathBuf> {
    let mut found = Vec::new();
    for (place, versions) in PLACES {
        if versions.is_empty() {
            found.push(PathBuf::from(place));
        } else {
            let entries = std::fs::read_dir(place).into_iter().flatten().flatten();
            let of_versions =
                entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(versions));
            found.extend(of_versions.map(|entry| entry.path().join("sbin")));
        }
    }
    found.sort();
    found
        .into_iter()
        .rfind(|folder| folder.join("rabbitmq-server").is_file() && folder.join("rabbitmq-env").is_file())
}

impl Rabbit {
    /// Starts a node below `folder`, which is ours, and waits until it takes connections.
    ///
    /// # Errors
    /// With the end of its log when it does not start.
    pub(super) async fn start(programs: &Path, folder: &Path) -> anyhow::Result<Self> {
        let home = folder.join("rabbitmq");
        end_left_over(&home).await;
        prepare(&home).context("cannot make the folder of RabbitMQ")?;
        let [port, distribution, names] = free_ports()?;
        std::fs::write(
            home.join("rabbitmq.conf"),
            format!(
                "listeners.tcp.1 = 127.0.0.1:{port}\ndisk_free_limit.absolute = 50MB\nlog.file.level = warning\nlog.console = false\n"
            ),
        )?;
        let epmd = quiet(Command::new("epmd").args(["-address", "127.0.0.1", "-port", &names.to_string()]))
            .spawn()
            .context("cannot run epmd, which comes with Erlang")?;
        until("epmd", START, || async move {
            TcpStream::connect(local(names)).await.is_ok()
        })
        .await?;
        let log = std::fs::File::create(home.join("log/startup.log"))?;
        let mut launch = Command::new(programs.join("rabbitmq-server"));
        launch
            .args([MARK, &home.to_string_lossy()])
            .env_clear()
            .envs(environment(&home, port, distribution, names));
        let launcher = quiet(&mut launch).stdout(log.try_clone()?).stderr(log).spawn();
        let mut node = Self {
            launcher: launcher.context("cannot run rabbitmq-server")?,
            home,
            port,
            epmd,
        };
        if let Err(error) = node.until_it_answers().await {
            let log = std::fs::read_to_string(node.home.join("log/startup.log")).unwrap_or_default();
            node.stop().await?;
            bail!("{error}. Its log:\n{log}");
        }
        Ok(node)
    }

    pub(super) fn url(&self) -> String {
        format!("amqp://guest:guest@127.0.0.1:{}/%2f", self.port)
    }

    /// The process of the node.
    pub(super) fn pid(&self) -> Option<u32> {
        pid_of(&self.home)
    }

    /// Ends the node and its name server.
    ///
    /// # Errors
    /// When it does not end.
    pub(super) async fn stop(mut self) -> anyhow::Result<()> {
        // Before the node has written its pid its launcher passes the signal on.
        let pid = self.pid().or(self.launcher.id());
        if let Some(pid) = pid {
            process_list::signal("TERM", pid).await;
        }
        if tokio::time::timeout(STOP, self.launcher.wait()).await.is_err() {
            self.launcher.kill().await.context("ending RabbitMQ")?;
        }
        self.epmd.kill().await.context("ending epmd")
    }

    async fn until_it_answers(&mut self) -> anyhow::Result<()> {
        let deadline = Instant::now() + START;
        while Instant::now() < deadline {
            if answers(self.port).await {
                return Ok(());
            }
            if let Some(status) = self.launcher.try_wait()? {
                bail!("RabbitMQ did not start ({status})");
            }
            sleep(POLL).await;
        }
        bail!("RabbitMQ was not ready within {} s", START.as_secs())
    }
}

/// Only our own processes are asked to end: their arguments name our folder.
async fn end_left_over(home: &Path) {
    let Some(pid) = pid_of(home) else {
        return;
    };
    let ours = || process_list::arguments(pid).is_some_and(|text| text.contains(&*home.to_string_lossy()));
    if ours() {
        process_list::signal("TERM", pid).await;
        // What does not end in time keeps its ports; ours are others.
        until("the RabbitMQ of an earlier run", STOP, || async { !ours() })
            .await
            .ok();
    }
}

fn pid_of(home: &Path) -> Option<u32> {
    std::fs::read_to_string(home.join("pid"))
        .ok()?
        .trim()
        .parse()
        .ok()
}

async fn until<F: Future<Output = bool>>(
    what: &str,
    limit: Duration,
    is_so: impl Fn() -> F,
) -> anyhow::Result<()> {
    let deadline = Instant::now() + limit;
    while !is_so().await {
        if Instant::now() >= deadline {
            bail!("{what} was not ready within {} s", limit.as_secs());
        }
        sleep(POLL).await;
    }
    Ok(())
}

async fn answers(port: u16) -> bool {
    let ask = async {
        let mut stream = TcpStream::connect(local(port)).await?;
        stream.write_all(b"AMQP\x00\x00\x09\x01").await?;
        stream.read_u8().await
    };
    matches!(
        tokio::time::timeout(Duration::from_secs(2), ask).await,
        Ok(Ok(METHOD_FRAME))
    )
}

/// In a process group of its own: Ctrl-C in the terminal is for the measurement, which ends the node.
fn quiet(command: &mut Command) -> &mut Command {
    command
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
}

fn prepare(home: &Path) -> std::io::Result<()> {
    if home.exists() {
        std::fs::remove_dir_all(home)?;
    }
    for folder in ["data", "log", "schema", "generated"] {
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(home.join(folder))?;
    }
    // Messages are in it.
    std::fs::set_permissions(home, PermissionsExt::from_mode(0o700))?;
    let cookie = home.join(".erlang.cookie");
    std::fs::write(&cookie, format!("{:032x}", rand::random::<u128>()))?;
    std::fs::set_permissions(&cookie, PermissionsExt::from_mode(0o400))?;
    // Instead of the machine's own in /etc/rabbitmq.
    std::fs::write(home.join("env.conf"), "")?;
    std::fs::write(home.join("advanced.config"), "[].\n")?;
    std::fs::write(home.join("enabled_plugins"), "[].\n")
}

/// Three free ports of this machine.
fn free_ports() -> anyhow::Result<[u16; 3]> {
    for _ in 0..100 {
        let first = rand::random_range(PORTS);
        let ports = [first, first + 1, first + 2];
        if ports.iter().all(|port| TcpListener::bind(local(*port)).is_ok()) {
            return Ok(ports);
        }
    }
    bail!("no free ports between {} and {}", PORTS.start, PORTS.end)
}

fn local(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}

/// All that the node sees of the world.
fn environment(home: &Path, port: u16, distribution: u16, names: u16) -> Vec<(&'static str, String)> {
    let path = |name: &str| home.join(name).to_string_lossy().into_owned();
    let local_only = "-kernel inet_dist_use_interface {127,0,0,1}";
    vec![
        (
            "PATH",
            std::env::var_os("PATH")
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned(),
        ),
        ("LANG", "C.UTF-8".to_owned()),
        ("HOME", home.to_string_lossy().into_owned()),
        ("ERL_EPMD_PORT", names.to_string()),
        ("ERL_EPMD_ADDRESS", "127.0.0.1".to_owned()),
        (
            "RABBITMQ_NODENAME",
            format!("cm-bench-{}@localhost", std::process::id()),
        ),
        ("RABBITMQ_NODE_IP_ADDRESS", "127.0.0.1".to_owned()),
        ("RABBITMQ_NODE_PORT", port.to_string()),
        ("RABBITMQ_DIST_PORT", distribution.to_string()),
        ("RABBITMQ_PID_FILE", path("pid")),
        ("RABBITMQ_MNESIA_BASE", path("data")),
        ("RABBITMQ_LOG_BASE", path("log")),
        ("RABBITMQ_LOGS", path("log/rabbit.log")),
        ("RABBITMQ_SCHEMA_DIR", path("schema")),
        ("RABBITMQ_GENERATED_CONFIG_DIR", path("generated")),
        ("RABBITMQ_CONF_ENV_FILE", path("env.conf")),
        ("RABBITMQ_CONFIG_FILE", path("rabbitmq.conf")),
        ("RABBITMQ_CONFIG_FILES", path("conf.d/*.conf")),
        ("RABBITMQ_ADVANCED_CONFIG_FILE", path("advanced.config")),
        ("RABBITMQ_ENABLED_PLUGINS_FILE", path("enabled_plugins")),
        ("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", local_only.to_owned()),
        ("RABBITMQ_CTL_ERL_ARGS", local_only.to_owned()),
    ]
}

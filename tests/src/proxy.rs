//! The proxies of Debian's packages with the configuration that is delivered, in front of a test's own ingest and api.

use std::{
    net::TcpListener,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use tempfile::TempDir;

use crate::{process::Process, wait::wait_until};

const START: Duration = Duration::from_secs(20);

/// A proxy, which ends when it is dropped.
#[derive(Debug)]
pub struct Proxy {
    /// Under which it is called, without the last slash.
    pub url: String,
    process: Process,
    _directory: TempDir,
}

impl Proxy {
    /// nginx over these two, each as `http://address`.
    pub async fn nginx(ingest: &str, api: &str) -> Self {
        let directory = directory();
        let port = free_port();
        let delivered = delivered("nginx/commissary.conf");
        let delivered = instead(
            &delivered,
            "listen 443 ssl http2;",
            &format!("listen 127.0.0.1:{port};"),
        );
        let delivered = instead(
            &delivered,
            "server 127.0.0.1:8080;",
            &format!("server {};", host(ingest)),
        );
        let delivered = instead(
            &delivered,
            "server 127.0.0.1:8081;",
            &format!("server {};", host(api)),
        );
        // The certificate of a host that is not ours.
        let lines: Vec<_> = delivered
            .lines()
            .filter(|line| !line.trim().starts_with("ssl_"))
            .collect();
        let at = directory.path().display();
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|what| format!("{what}_temp_path {at}/{what};\n"))
            .concat();
        // One process, so that whoever kills it leaves none behind.
        let main = format!(
            "master_process off;\nuser root;\ndaemon off;\npid {at}/pid;\nerror_log stderr;\nevents {{}}\nhttp {{\n{temporary}{}\n}}\n",
            lines.join("\n")
        );
        let file = directory.path().join("nginx.conf");
        std::fs::write(&file, main).expect("a file for nginx");
        let mut command = Command::new("/usr/sbin/nginx");
        command.arg("-e").arg("stderr").arg("-c").arg(file);
        Self::start("nginx", command, port, directory).await
    }

    /// Caddy over these two.
    pub async fn caddy(ingest: &str, api: &str) -> Self {
        let directory = directory();
        let port = free_port();
        let mut command = Command::new("caddy");
        command
            .args(["run", "--adapter", "caddyfile", "--config"])
            .arg(of_deploy("caddy/Caddyfile"))
            .env("COMMISSARY_HOST", format!("http://:{port}"))
            .env("COMMISSARY_INGEST", host(ingest))
            .env("COMMISSARY_API", host(api))
            .env("HOME", directory.path())
            .env("XDG_DATA_HOME", directory.path())
            .env("XDG_CONFIG_HOME", directory.path());
        Self::start("caddy", command, port, directory).await
    }

    async fn start(name: &str, mut command: Command, port: u16, directory: TempDir) -> Self {
        let mut process = Process::start(name, &mut command, directory.path());
        wait_until(&format!("{name} accepts connections"), START, async || {
            assert!(process.is_running(), "{name} ended: {}", process.log());
            tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok()
        })
        .await;
        Self {
            url: format!("http://127.0.0.1:{port}"),
            process,
            _directory: directory,
        }
    }

    /// Ends it as its service would.
    pub async fn stop(mut self) {
        self.process.terminate().await;
    }
}

fn directory() -> TempDir {
    tempfile::Builder::new()
        .prefix("commissary-proxy-")
        .tempdir()
        .expect("a directory for a proxy")
}

/// A port of this machine that nobody listens on: the proxies cannot tell which one the system chose.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("its number").port()
}

/// The path of a file below `deploy`.
pub fn of_deploy(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy").join(path)
}

fn delivered(path: &str) -> String {
    std::fs::read_to_string(of_deploy(path)).expect("a file that is delivered")
}

fn instead(text: &str, what: &str, by: &str) -> String {
    assert_eq!(text.matches(what).count(), 1, "{what} stands there once");
    text.replace(what, by)
}

fn host(url: &str) -> &str {
    url.strip_prefix("http://").expect("plain HTTP")
}

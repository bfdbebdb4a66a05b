//! Servers of a test's own, for tests that kill them: `scripts/servers` in a directory of their own.

use std::process::Command;

use tempfile::TempDir;

use crate::environment::required;

/// A PostgreSQL, a RabbitMQ, or both. Stopped and removed when dropped.
#[derive(Debug)]
pub struct Servers {
    directory: TempDir,
}

impl Servers {
    /// Starts nothing yet.
    pub fn new() -> Self {
        // The server's user, when we are root, must pass through.
        let passable = std::os::unix::fs::PermissionsExt::from_mode(0o711);
        let directory = tempfile::Builder::new()
            .prefix("cm-it-")
            .permissions(passable)
            .tempdir()
            .expect("a directory for servers");
        required("COMMISSARY_SERVERS");
        Self { directory }
    }

    /// Where they live.
    pub fn path(&self) -> &std::path::Path {
        self.directory.path()
    }

    /// Runs a command of `scripts/servers` on the directory and gives what it prints, such as the URL of a server.
    pub async fn run(&self, command: &str) -> String {
        let command = self.command(command);
        let output = tokio::process::Command::from(command)
            .output()
            .await
            .expect("scripts/servers runs");
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "scripts/servers: {error}");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    fn command(&self, command: &str) -> Command {
        let mut run = Command::new(required("COMMISSARY_SERVERS"));
        run.arg(command).arg(self.directory.path());
        run
    }
}

impl Default for Servers {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        let removed = self.command("remove").output();
        if !removed.is_ok_and(|output| output.status.success()) {
            eprintln!("servers in {} may be left over", self.directory.path().display());
        }
    }
}

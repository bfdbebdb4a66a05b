//! A PostgreSQL that is backed up as docs/BACKUP.md says: a base backup, and its log received elsewhere as it is written.

use std::{
    os::unix::fs::{MetadataExt as _, PermissionsExt, chown},
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use crate::{process::Process, psql::Database, servers::Servers, wait::wait_until};

const SOME_SECONDS: Duration = Duration::from_secs(30);

/// A cluster of a test's own, and what is kept of it.
#[derive(Debug)]
pub struct BackedUp {
    pub servers: Servers,
    pub url: String,
    pub db: Database,
    data: PathBuf,
    bin: PathBuf,
    receiver: Option<Process>,
}

impl BackedUp {
    /// Starts it, and receives its log: a commit is answered when it is there, too.
    pub async fn start() -> Self {
        let servers = Servers::new();
        let url = servers.run("postgres-start").await;
        let db = Database::new(&url);
        let data = PathBuf::from(db.sql("SHOW data_directory").await);
        let bin = PathBuf::from(
            db.sql("SELECT setting FROM pg_config() WHERE name = 'BINDIR'")
                .await,
        );
        let mut cluster = Self {
            servers,
            url,
            db,
            data,
            bin,
            receiver: None,
        };
        std::fs::create_dir(cluster.kept("log")).expect("a directory for the log");
        cluster
            .db
            .sql("SELECT pg_create_physical_replication_slot('archive', true)")
            .await;
        cluster.receive().await;
        cluster
            .db
            .sql("ALTER SYSTEM SET synchronous_standby_names = 'archive'")
            .await;
        cluster.db.sql("SELECT pg_reload_conf()").await;
        let is_kept = "SELECT count(*) = 1 FROM pg_stat_replication WHERE sync_state = 'sync'";
        wait_until(
            "commits wait for the log's other copy",
            SOME_SECONDS,
            async || cluster.db.sql(is_kept).await == "t",
        )
        .await;
        cluster
    }

    async fn receive(&mut self) {
        let mut command = Command::new(self.bin.join("pg_receivewal"));
        let connection = format!("{}&application_name=archive", self.url);
        command
            .args([
                "--synchronous",
                "--slot",
                "archive",
                "--no-loop",
                "--dbname",
                &connection,
                "--directory",
            ])
            .arg(self.kept("log"));
        self.receiver = Some(Process::start("pg_receivewal", &mut command, self.servers.path()));
        let is_up = "SELECT count(*) = 1 FROM pg_stat_replication WHERE state = 'streaming'";
        wait_until("the log is received", SOME_SECONDS, async || {
            self.db.sql(is_up).await == "t"
        })
        .await;
    }

    fn kept(&self, what: &str) -> PathBuf {
        self.servers.path().join(what)
    }

    /// The base backup.
    pub async fn back_up(&self) {
        let mut command = Command::new(self.bin.join("pg_basebackup"));
        command
            .args([
                "--checkpoint",
                "fast",
                "--wal-method",
                "none",
                "--no-sync",
                "--dbname",
                &self.url,
                "--pgdata",
            ])
            .arg(self.kept("base"));
        let output = tokio::process::Command::from(command)
            .output()
            .await
            .expect("pg_basebackup runs");
        assert!(output.status.success(), "{output:?}");
    }

    /// As when the machine is gone with its disk.
    pub async fn lose(&mut self) {
        self.servers.run("postgres-kill").await;
        if let Some(mut receiver) = self.receiver.take() {
            receiver.end().await;
        }
        std::fs::remove_dir_all(&self.data).expect("the data can be lost");
    }

    /// What was kept becomes the cluster again, up to a restore point by its name, or to the end.
    pub async fn restore(&self, point: Option<&str>) {
        let (base, log) = (self.kept("base"), self.kept("log"));
        copy(&base, &self.data);
        let owner = std::fs::metadata(self.servers.path().join("postgres.env")).expect("the cluster's file");
        let postgres = if owner.uid() == 0 {
            uid_of("postgres")
        } else {
            owner.uid()
        };
        let target = point
            .map(|name| format!("recovery_target_name = '{name}'\n"))
            .unwrap_or_default();
        // The last file of the log is not whole: it is called so.
        let restore = format!(
            "restore_command = 'cp {log}/%f %p || cp {log}/%f.partial %p'\n",
            log = log.display()
        );
        let settings = self.data.join("postgresql.auto.conf");
        let promote = "recovery_target_action = 'promote'\nsynchronous_standby_names = ''\n";
        std::fs::write(&settings, format!("{restore}{target}{promote}")).expect("the settings");
        std::fs::write(self.data.join("recovery.signal"), "").expect("a file that asks for recovery");
        own(&self.data, postgres);
        own(&log, postgres);
        self.servers.run("postgres-start").await;
        let is_back = "SELECT NOT pg_is_in_recovery()";
        wait_until("the database takes writes", SOME_SECONDS, async || {
            self.db.try_sql(is_back).await.as_deref() == Ok("t")
        })
        .await;
    }
}

fn copy(from: &Path, to: &Path) {
    let copied = Command::new("cp")
        .arg("-a")
        .arg(from)
        .arg(to)
        .status()
        .expect("the program cp");
    assert!(copied.success(), "{} to {}", from.display(), to.display());
}

/// All of it becomes the server's, which alone may read it.
fn own(path: &Path, uid: u32) {
    if path.is_dir() {
        std::fs::set_permissions(path, PermissionsExt::from_mode(0o700)).expect("permissions");
        for entry in std::fs::read_dir(path).expect("a directory") {
            own(&entry.expect("an entry").path(), uid);
        }
    }
    chown(path, Some(uid), None).expect("the owner");
}

fn uid_of(user: &str) -> u32 {
    let output = Command::new("id")
        .args(["-u", user])
        .output()
        .expect("the program id");
    String::from_utf8_lossy(&output.stdout)
        .trim()
        .parse()
        .expect("a number")
}

//! How a test wants its installation, and the making of it.

use std::{path::Path, process::Command};

use tempfile::TempDir;

use super::{Queue, Scratch, World};
use crate::{
    environment::{commissary, required},
    http::Shop,
    process::Process,
    psql::Database,
};

/// What differs from one ingest, one worker, one api on the shared servers.
#[derive(Clone, Debug)]
pub struct Builder {
    queue: Queue,
    workers: usize,
    server: Option<String>,
    broker: Option<String>,
    ingest_amqp: Option<String>,
    worker_amqp: Option<String>,
    broker_is_away: bool,
    log: &'static str,
    worker_variables: Vec<(&'static str, String)>,
}

impl Builder {
    pub(super) fn new(queue: Queue) -> Self {
        Self {
            queue,
            workers: 1,
            server: None,
            broker: (queue == Queue::Rabbit).then(|| required("AMQP_URL")),
            ingest_amqp: None,
            worker_amqp: None,
            broker_is_away: false,
            log: "info",
            worker_variables: Vec::new(),
        }
    }

    /// So many workers from the start.
    #[must_use]
    pub fn workers(mut self, workers: usize) -> Self {
        self.workers = workers;
        self
    }

    /// A PostgreSQL of the test's own, by its URL.
    #[must_use]
    pub fn on_postgres(mut self, url: &str) -> Self {
        self.server = Some(url.to_owned());
        self
    }

    /// A RabbitMQ of the test's own, by its URL.
    #[must_use]
    pub fn on_rabbit(mut self, url: &str) -> Self {
        self.broker = Some(url.to_owned());
        self
    }

    /// The first ingest goes to the broker by this URL.
    #[must_use]
    pub fn ingest_amqp(mut self, url: &str) -> Self {
        self.ingest_amqp = Some(url.to_owned());
        self
    }

    /// The first workers go to the broker by this URL.
    #[must_use]
    pub fn worker_amqp(mut self, url: &str) -> Self {
        self.worker_amqp = Some(url.to_owned());
        self
    }

    /// Do not wait until the processes are connected to the broker.
    #[must_use]
    pub fn broker_is_away(mut self) -> Self {
        self.broker_is_away = true;
        self
    }

    /// What the processes log, in the syntax of tracing.
    #[must_use]
    pub fn log(mut self, filter: &'static str) -> Self {
        self.log = filter;
        self
    }

    /// A variable for the workers.
    #[must_use]
    pub fn worker_variable(mut self, name: &'static str, value: &str) -> Self {
        self.worker_variables.push((name, value.to_owned()));
        self
    }

    /// Makes the database with the demo world and starts the processes; returns when they are ready.
    pub async fn start(self) -> World {
        let directory = tempfile::Builder::new()
            .prefix("commissary-it-")
            .tempdir()
            .expect("a directory for logs");
        let (name, prefix) = names(&directory);
        let admin = Database::new(&self.server.clone().unwrap_or_else(|| required("DATABASE_URL")));
        admin.sql(&format!("CREATE DATABASE {name}")).await;
        let db = admin.sibling(&name);
        let scratch = Scratch { admin, name };

        let demo = concat!(env!("CARGO_MANIFEST_DIR"), "/../demo/catalog.toml");
        for arguments in [["migrate"].as_slice(), &["apply", demo]] {
            let mut command = commissary();
            command.args(arguments).env("DATABASE_URL", db.url());
            let output = command.output().expect("the binary runs");
            let error = String::from_utf8_lossy(&output.stderr);
            assert!(
                output.status.success(),
                "commissary {}: {error}",
                arguments.join(" ")
            );
        }

        let ingest = self.role(&db, &prefix, "ingest", self.ingest_amqp.as_deref());
        let api = self.role(&db, &prefix, "api", None);
        let mut ingest = serve(ingest, "ingest", directory.path());
        let mut api = serve(api, "api", directory.path());
        let shop = Shop::new(
            &address(&mut ingest, "ingest").await,
            &address(&mut api, "api").await,
        );
        let mut world = World {
            shop,
            ingest,
            workers: Vec::new(),
            api,
            db,
            config: self,
            prefix,
            started: 0,
            _scratch: scratch,
            directory,
        };
        for _ in 0..world.config.workers {
            let amqp = world.config.worker_amqp.clone();
            world.start_worker(amqp.as_deref()).await;
        }
        if world.config.expects_broker() {
            world.ingest.logged("broker connection up", 2).await;
        }
        world.ready().await;
        world
    }

    pub(super) fn queue(&self) -> Queue {
        self.queue
    }

    /// The broker itself, past all relays.
    pub(super) fn broker(&self) -> &str {
        self.broker.as_deref().expect("a world with a broker")
    }

    pub(super) fn expects_broker(&self) -> bool {
        self.queue == Queue::Rabbit && !self.broker_is_away
    }

    pub(super) fn worker_variables(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.worker_variables
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
    }

    /// The command of a role.
    pub(super) fn role(&self, db: &Database, prefix: &str, role: &str, amqp: Option<&str>) -> Command {
        let mut command = commissary();
        command
            .arg(role)
            .env("DATABASE_URL", db.url())
            .env("COMMISSARY_AMQP_PREFIX", prefix)
            .env("COMMISSARY_LOG", self.log);
        if self.queue == Queue::Rabbit {
            command.env("AMQP_URL", amqp.unwrap_or_else(|| self.broker()));
        }
        command
    }
}

/// Starts a role that serves HTTP, on a port that the system chooses: a port chosen here might be taken by then.
pub(super) fn serve(mut command: Command, name: &str, directory: &Path) -> Process {
    command.args(["--listen", "127.0.0.1:0"]);
    Process::start(name, &mut command, directory)
}

/// Where a role says that it serves.
pub(super) async fn address(process: &mut Process, role: &str) -> String {
    let line = process.logged(&format!("{role} is ready"), 1).await;
    let address = line
        .split("address=")
        .nth(1)
        .and_then(|rest| rest.split_whitespace().next());
    format!("http://{}", address.expect("the log names the address"))
}

/// Names that no other test has, for the database and for the queues.
fn names(directory: &TempDir) -> (String, String) {
    let random = directory.path().file_name().expect("a directory has a name");
    let random = random.to_string_lossy();
    let random: String = random.chars().filter(char::is_ascii_alphanumeric).collect();
    let name = format!("it_{}_{}", std::process::id(), random.to_lowercase());
    let prefix = format!("test.{name}");
    (name, prefix)
}

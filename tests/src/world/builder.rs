//! How a test wants its installation, and the commands of its roles.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    environment::{commissary, required},
    process::Process,
    psql::Database,
};

/// By which way events go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Queue {
    Spool,
    Rabbit,
}

/// What differs from one ingest, one worker, one api on the shared servers.
#[derive(Clone, Debug)]
pub struct Builder {
    queue: Queue,
    pub(super) workers: usize,
    pub(super) server: Option<String>,
    broker: Option<String>,
    pub(super) ingest_amqp: Option<String>,
    pub(super) worker_amqp: Option<String>,
    broker_is_away: bool,
    log: &'static str,
    variables: Vec<(&'static str, String)>,
    worker_variables: Vec<(&'static str, String)>,
    /// What the database begins with, if not with the demo world.
    pub(super) rows: Option<PathBuf>,
    /// Of ingest, api and the first worker.
    metrics_listen: Option<[String; 3]>,
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
            variables: Vec::new(),
            worker_variables: Vec::new(),
            rows: None,
            metrics_listen: None,
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

    /// A variable for all roles.
    #[must_use]
    pub fn variable(mut self, name: &'static str, value: &str) -> Self {
        self.variables.push((name, value.to_owned()));
        self
    }

    /// A variable for the workers.
    #[must_use]
    pub fn worker_variable(mut self, name: &'static str, value: &str) -> Self {
        self.worker_variables.push((name, value.to_owned()));
        self
    }

    /// The database that an earlier version left, as a file of statements.
    #[must_use]
    pub fn rows(mut self, file: &Path) -> Self {
        self.rows = Some(file.to_owned());
        self
    }

    /// Serve metrics on these addresses, and no longer beside the rest.
    #[must_use]
    pub fn metrics_listen(mut self, ingest: String, api: String, worker: String) -> Self {
        self.metrics_listen = Some([ingest, api, worker]);
        self
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

    /// The command of a role, as the user of that role.
    pub(super) fn role(&self, db: &Database, prefix: &str, role: &str, amqp: Option<&str>) -> Command {
        let mut command = commissary();
        command
            .arg(role)
            .env("DATABASE_URL", db.as_user(&format!("commissary_{role}")).url())
            .env("COMMISSARY_AMQP_PREFIX", prefix)
            .env("COMMISSARY_LOG", self.log)
            .envs(self.variables.iter().map(|(name, value)| (*name, value)));
        if let Some([ingest, api, worker]) = &self.metrics_listen {
            let address = match role {
                "ingest" => ingest,
                "api" => api,
                _ => worker,
            };
            command.env("COMMISSARY_METRICS_LISTEN", address);
        }
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

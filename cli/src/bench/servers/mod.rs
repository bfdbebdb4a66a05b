//! The servers of a measurement: private ones that end with it, or those whose URLs are given, where it makes a database and queues
//! of its own. Whatever was made is gone at the end.

mod rabbitmq;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use anyhow::Context as _;
use common::{
    db::{Pool, scratch::ScratchDatabase, statistics},
    queue::amqp::{AmqpUrl, Connection, ConnectionManager, DRAIN_TIMEOUT, Topology, delete_queues},
    runtime::{Supervisor, TaskGroup},
};
use secrecy::{ExposeSecret as _, SecretString};

use super::process_list;
use crate::{
    dev::cluster::{Cluster, Tuning},
    print,
};
use rabbitmq::Rabbit;

const WAL_ROOM: &str = "max_wal_size=8GB";
/// What the processes of servers are called.
const POSTMASTER: &str = "postgres";
const BROKER: &str = "beam";
/// How long a broker may take to let us in.
const CONNECT: Duration = Duration::from_secs(30);

/// Where the servers are.
#[derive(Debug)]
pub(super) struct Servers {
    pub(super) database_url: SecretString,
    pub(super) amqp_url: Option<SecretString>,
    state: PathBuf,
    is_new_state: bool,
    cluster: Option<Cluster>,
    rabbit: Option<Rabbit>,
    databases: Mutex<Vec<ScratchDatabase>>,
    prefixes: Mutex<Vec<String>>,
    /// Of the connections that floors are measured by.
    tasks: TaskGroup,
    _supervisor: Supervisor,
}

impl Servers {
    /// Starts what is not given. Without an installed RabbitMQ there is no broker.
    ///
    /// # Errors
    /// When PostgreSQL or RabbitMQ does not start.
    pub(super) async fn start(
        state: &Path,
        database_url: Option<SecretString>,
        amqp_url: Option<SecretString>,
    ) -> anyhow::Result<Self> {
        let is_new_state = !state.exists();
        let cluster = match database_url {
            Some(_) => None,
            None => Some(private_cluster(state).await?),
        };
        let private = cluster.as_ref().map(|cluster| SecretString::from(cluster.url()));
        let supervisor = Supervisor::new();
        let mut servers = Self {
            database_url: database_url.or(private).context("no database")?,
            amqp_url,
            state: state.to_owned(),
            is_new_state,
            cluster,
            rabbit: None,
            databases: Mutex::default(),
            prefixes: Mutex::default(),
            tasks: supervisor.group("connections of floors", DRAIN_TIMEOUT),
            _supervisor: supervisor,
        };
        if servers.amqp_url.is_none() {
            match servers.private_broker().await {
                Ok(()) => {}
                Err(error) => {
                    servers.stop().await?;
                    return Err(error);
                }
            }
        }
        Ok(servers)
    }

    async fn private_broker(&mut self) -> anyhow::Result<()> {
        let Some(programs) = rabbitmq::programs() else {
            return print::warn(
                "RabbitMQ is not installed: the Postgres spool is measured alone, and nothing against a broker's floor. Install \
                 rabbitmq-server, or set AMQP_URL",
            );
        };
        std::fs::create_dir_all(&self.state).context("making the state directory")?;
        let state = self.state.canonicalize().context("finding the state directory")?;
        let rabbit = Rabbit::start(&programs, &state).await?;
        self.amqp_url = Some(SecretString::from(rabbit.url()));
        self.rabbit = Some(rabbit);
        Ok(())
    }

    /// A new database.
    ///
    /// # Errors
    /// When the role may not make one.
    pub(super) async fn database(&self) -> anyhow::Result<ScratchDatabase> {
        let made = ScratchDatabase::make(&self.database_url, "bench").await;
        let made = made.context("making a database: the role needs CREATEDB")?;
        lock(&self.databases).push(made.clone());
        Ok(made)
    }

    /// Drops a database of ours.
    ///
    /// # Errors
    /// When the server does not answer.
    pub(super) async fn drop_database(&self, database: &ScratchDatabase) -> anyhow::Result<()> {
        database.drop().await?;
        lock(&self.databases).retain(|other| other.name() != database.name());
        Ok(())
    }

    /// Queues that somebody else declares are deleted at the end, too.
    pub(super) fn note_queues(&self, prefix: &str) {
        lock(&self.prefixes).push(prefix.to_owned());
    }

    /// A connection by which the queues of `prefix` are declared, as a role's. They are deleted at the end.
    ///
    /// # Errors
    /// When the broker does not answer.
    pub(super) async fn broker(&self, prefix: &str) -> anyhow::Result<Option<Arc<Connection>>> {
        let Some(url) = &self.amqp_url else {
            return Ok(None);
        };
        let url: AmqpUrl = url.expose_secret().parse()?;
        self.note_queues(prefix);
        let manager = ConnectionManager::start(url, "measure", Topology::new(prefix), &self.tasks);
        let up = tokio::time::timeout(CONNECT, manager.up()).await;
        Ok(Some(up.ok().flatten().context("the broker does not answer")?))
    }

    /// The first process of the database server, where it runs on this machine.
    pub(super) async fn postmaster(&self, pool: &Pool) -> Option<u32> {
        let backend = statistics::backend_pid(pool).await.ok()?;
        process_list::parent_called(u32::try_from(backend).ok()?, POSTMASTER)
    }

    /// The process of the broker: ours, else the only one of this machine.
    pub(super) fn broker_process(&self) -> Option<u32> {
        match &self.rabbit {
            Some(rabbit) => rabbit.pid(),
            None => process_list::only_one_called(BROKER).filter(|_| self.amqp_url.is_some()),
        }
    }

    /// Ends private servers and removes their data; drops databases and deletes queues that were made on given ones.
    ///
    /// # Errors
    /// With the first that could not be removed; the others are, all the same.
    pub(super) async fn stop(mut self) -> anyhow::Result<()> {
        let databases = std::mem::take(&mut *lock(&self.databases));
        let prefixes = std::mem::take(&mut *lock(&self.prefixes));
        let mut results = Vec::new();
        if self.rabbit.is_none() {
            results.push(self.delete_queues(&prefixes).await);
        }
        self.tasks.stop().cancel();
        if let Some(rabbit) = self.rabbit.take() {
            results.push(rabbit.stop().await);
        }
        match self.cluster.take() {
            None => {
                for database in &databases {
                    let dropped = database.drop().await;
                    results.push(dropped.context("dropping a database of the measurement"));
                }
            }
            Some(cluster) => {
                results.push(cluster.stop().await);
                results.push(Cluster::destroy(&self.state).await);
            }
        }
        if self.is_new_state && self.state.exists() {
            let removed = std::fs::remove_dir_all(&self.state);
            results.push(removed.context("removing the state directory"));
        }
        results.into_iter().collect()
    }

    async fn delete_queues(&self, prefixes: &[String]) -> anyhow::Result<()> {
        for prefix in prefixes {
            if let Some(connection) = self.broker(prefix).await? {
                delete_queues(&connection, &Topology::new(prefix)).await?;
            }
        }
        Ok(())
    }
}

async fn private_cluster(state: &Path) -> anyhow::Result<Cluster> {
    // What a killed run has left.
    Cluster::destroy(state).await?;
    let mut settings = vec![WAL_ROOM.to_owned(), "max_connections=200".to_owned()];
    if let Some(bytes) = process_list::machine_memory() {
        settings.push(format!("shared_buffers={}MB", bytes / 4 / 1024 / 1024));
    }
    let preload = Some("pg_stat_statements");
    Cluster::start_tuned(state, Tuning { settings, preload }).await
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

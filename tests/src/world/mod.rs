//! A test's own installation: a database, queues under a prefix of its own, and the roles as processes.

mod builder;
mod finish;
mod start;

use std::{
    process::{Command, Stdio},
    time::Duration,
};

use common::{
    domain::{Body, Dialect, Event, OrgId},
    message::{Envelope, EventIds},
    queue::amqp::{AmqpUrl, Topology, inspect},
    runtime::Clock,
};
use serde_json::Value;
use tempfile::TempDir;

use crate::{
    environment::commissary,
    http::{Answer, Shop},
    process::Process,
    psql::Database,
    queue::Publisher,
    wait::{wait_for, wait_until},
};

pub use builder::{Builder, Queue};
pub use finish::Leftovers;

/// How long effects of what was accepted are waited for.
const EFFECTS: Duration = Duration::from_secs(45);
const READY: Duration = Duration::from_secs(30);

/// Who owns the schema: nobody of the product is a superuser.
const OWNER: &str = "commissary_owner";

/// A finished command of the product.
#[derive(Debug)]
pub struct Output {
    pub code: Option<i32>,
    pub out: String,
    pub error: String,
}

impl Output {
    /// What it printed with `--json`.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The same output, of a command that succeeded.
    #[expect(clippy::return_self_not_must_use, reason = "it is an assertion first")]
    pub fn well(self) -> Self {
        assert_eq!(self.code, Some(0), "{self:?}");
        self
    }
}

/// Dropped, it kills its processes and drops its database. End a test with [`World::finish`].
// The order of the fields is the order of their end: processes first, the database after them.
#[derive(Debug)]
pub struct World {
    pub shop: Shop,
    pub ingest: Process,
    pub workers: Vec<Process>,
    pub api: Process,
    pub db: Database,
    config: Builder,
    prefix: String,
    started: usize,
    _scratch: Scratch,
    directory: TempDir,
}

/// The database of one test.
#[derive(Debug)]
struct Scratch {
    admin: Database,
    name: String,
}

impl Drop for Scratch {
    fn drop(&mut self) {
        self.admin.drop_database(&self.name);
    }
}

impl World {
    /// To be started otherwise.
    pub fn of(queue: Queue) -> Builder {
        Builder::new(queue)
    }

    /// Starts an ingest in the place of the one there was; calls go to it. `amqp` if not where the others go.
    pub async fn start_ingest(&mut self, amqp: Option<&str>) {
        let ingest = self.config.role(&self.db, &self.prefix, "ingest", amqp);
        self.started += 1;
        let name = format!("ingest-{}", self.started);
        self.ingest = builder::serve(ingest, &name, self.directory.path());
        self.shop.ingest = builder::address(&mut self.ingest, "ingest").await;
        self.ready().await;
        if self.config.expects_broker() {
            self.ingest.logged("broker connection up", 2).await;
        }
    }

    /// Starts an api in the place of the one there was.
    pub async fn start_api(&mut self) {
        let api = self.config.role(&self.db, &self.prefix, "api", None);
        self.started += 1;
        let name = format!("api-{}", self.started);
        self.api = builder::serve(api, &name, self.directory.path());
        self.shop.api = builder::address(&mut self.api, "api").await;
    }

    /// Starts one more worker. `amqp` if not where the others go. Its database sessions know its number, as
    /// `current_setting('test.worker')`.
    pub async fn start_worker(&mut self, amqp: Option<&str>) {
        let mut worker = self.config.role(&self.db, &self.prefix, "worker", amqp);
        self.started += 1;
        let name = format!("worker-{}", self.started);
        worker.env(
            "DATABASE_URL",
            self.db
                .as_user("commissary_worker")
                .url_saying("test.worker", &self.started.to_string()),
        );
        worker.envs(self.config.worker_variables());
        let mut worker = Process::start(&name, &mut worker, self.directory.path());
        worker.logged("worker is ready", 1).await;
        if self.config.expects_broker() {
            worker.logged("broker connection up", 2).await;
        }
        self.workers.push(worker);
    }

    /// Waits until the ingest says that it can accept.
    pub async fn ready(&self) {
        let url = format!("{}/readyz", self.shop.ingest);
        wait_until("the ingest is ready", READY, async || {
            let answer = self.shop.call(reqwest::Method::GET, &url, &[], None).await;
            answer.is_ok_and(|answer| answer.status == 200)
        })
        .await;
    }

    /// The path of a file with this content.
    pub fn file(&self, name: &str, content: &str) -> String {
        let path = self.directory.path().join(name);
        std::fs::write(&path, content).expect("a file in the test's own directory");
        path.display().to_string()
    }

    pub async fn sql(&self, statement: &str) -> String {
        self.db.sql(statement).await
    }

    pub async fn count(&self, statement: &str) -> i64 {
        self.db.count(statement).await
    }

    /// Waits until a condition in SQL holds.
    pub async fn until(&self, condition: &str) {
        let statement = format!("SELECT {condition}");
        wait_until(condition, EFFECTS, async || {
            self.db.try_sql(&statement).await.as_deref() == Ok("t")
        })
        .await;
    }

    /// A command of the product for this installation, as the owner of the schema.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = commissary();
        command
            .args(arguments)
            .env("DATABASE_URL", self.db.as_user(OWNER).url())
            .stdin(Stdio::null());
        command
    }

    /// Runs it to its end.
    pub async fn commissary(&self, arguments: &[&str]) -> Output {
        Self::run(self.command(arguments)).await
    }

    async fn run(command: Command) -> Output {
        let output = tokio::process::Command::from(command).output().await;
        let output = output.expect("the binary runs");
        Output {
            code: output.status.code(),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            error: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// `commissary doctor` of this installation, which asks its broker, too.
    pub async fn doctor(&self) -> Output {
        let mut command = self.command(&["doctor", "--json"]);
        if self.config.queue() == Queue::Rabbit {
            command
                .env("AMQP_URL", self.config.broker())
                .env("COMMISSARY_AMQP_PREFIX", &self.prefix);
        }
        Self::run(command).await
    }

    /// A metric as a process shows it at this moment, by its name with labels; `None`: it is not there.
    pub async fn metric(&self, process: &str, name: &str) -> Option<f64> {
        let url = format!("{process}/metrics");
        let text = reqwest::get(&url).await.ok()?.text().await.ok()?;
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line?.parse().ok()
    }

    /// Waits until a receipt shows what became of its event, and gives that answer.
    pub async fn settled(&self, location: &str) -> Answer {
        wait_for(&format!("{location} is settled"), EFFECTS, async || {
            let answer = self.shop.get(location).await.expect(200);
            let status = answer.text("/status");
            (status != "accepted" && status != "parked").then_some(answer)
        })
        .await
    }

    /// Events of the demo organisation as an ingest would build them, for which nobody waits.
    pub async fn events(&self, bodies: Vec<Body>) -> Vec<Event> {
        let statement = "SELECT value, (SELECT org_id FROM orgs WHERE slug = 'demo') FROM settings WHERE name = 'receipt_secret'";
        let row = self.sql(statement).await;
        let (secret, org) = row.split_once('|').expect("two columns");
        let ids = EventIds::new(&secret.into()).expect("a secret");
        let (org, now) = (OrgId(org.parse().expect("a number")), Clock::default().now());
        let event = |body| Event {
            id: ids.issue(org, now),
            org: Some(org),
            dialect: Dialect::Postback,
            received_at: now,
            authenticated: true,
            program_scope: None,
            idempotency: None,
            wait_until: None,
            request_id: None,
            trace: None,
            warnings: Vec::new(),
            body,
        };
        bodies.into_iter().map(event).collect()
    }

    /// What puts envelopes into this installation's queue.
    pub async fn publisher(&self) -> Publisher {
        match self.config.queue() {
            Queue::Spool => Publisher::spool(&self.db),
            Queue::Rabbit => Publisher::rabbit(self.config.broker(), &self.prefix).await,
        }
    }

    /// Puts envelopes where the broker puts what it gives up.
    pub async fn give_up(&self, payloads: &[Vec<u8>]) {
        let undeliverable = Topology::new(&self.prefix).undeliverable();
        let publisher = Publisher::rabbit(self.config.broker(), &self.prefix).await;
        publisher.into_queue(&undeliverable).publish(payloads).await;
    }

    /// Puts envelopes into the queue.
    pub async fn publish(&self, payloads: &[Vec<u8>]) {
        self.publisher().await.publish(payloads).await;
    }

    /// Envelopes that wait in the spool.
    pub async fn spooled(&self) -> i64 {
        self.count("SELECT count(*) FROM spool").await
    }

    /// Messages that wait at the broker, but for those at a worker; `None` while the broker does not answer.
    pub async fn at_broker(&self) -> Option<u32> {
        if self.config.queue() == Queue::Spool {
            return Some(0);
        }
        let url: AmqpUrl = self.config.broker().parse().expect("an AMQP URL");
        let report = inspect(&url, &Topology::new(&self.prefix)).await.ok()?;
        let depths = report.queues.iter().filter_map(|queue| queue.depth);
        Some(depths.map(|depth| depth.messages).sum())
    }

    /// Waits until so many lanes consume the broker's queue of events: a connection that is up has none at first.
    pub async fn until_consumed_by(&self, lanes: u32) {
        let url: AmqpUrl = self.config.broker().parse().expect("an AMQP URL");
        let topology = Topology::new(&self.prefix);
        wait_until(&format!("{lanes} lanes consume"), EFFECTS, async || {
            let Ok(report) = inspect(&url, &topology).await else {
                return false;
            };
            let mut queues = report.queues.iter();
            let events = queues.find(|queue| queue.name == topology.events());
            events
                .and_then(|events| events.depth)
                .is_some_and(|depth| depth.consumers == lanes)
        })
        .await;
    }

    /// Waits until so many envelopes wait in the queue that this world uses.
    pub async fn until_queued(&self, envelopes: u32) {
        wait_until(
            &format!("{envelopes} envelopes wait"),
            EFFECTS,
            async || match self.config.queue() {
                Queue::Spool => self.spooled().await == i64::from(envelopes),
                Queue::Rabbit => self.at_broker().await == Some(envelopes),
            },
        )
        .await;
    }
}

/// An envelope as an ingest of an earlier life wrote it.
pub fn envelope(events: &[Event]) -> Vec<u8> {
    let encoded: Vec<Vec<u8>> = events
        .iter()
        .map(|event| serde_json::to_vec(event).expect("an event is JSON"))
        .collect();
    Envelope::join("tests", None, &encoded)
}

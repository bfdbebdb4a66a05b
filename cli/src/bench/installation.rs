//! One installation that is measured: a database of its own with a world of many affiliates, queues under a prefix of its own, and the
//! roles as processes. What was answered is counted here, for the proof at the end.

use std::{fmt::Write as _, path::PathBuf, time::Duration};

use anyhow::{Context as _, bail};
use common::{
    catalog,
    db::{
        self, Pool, ledger_check,
        scratch::ScratchDatabase,
        statistics::{self, Progress},
    },
    queue::amqp::{AmqpUrl, Topology},
    runtime::Clock,
};
use secrecy::ExposeSecret as _;
use tokio::time::{Instant, sleep};

use super::{
    load::{AFFILIATES, Sent, Tally},
    proof::Proof,
    role::{Role, Surroundings},
    servers::Servers,
};
use crate::commands::migrate;

/// Connections that look and write floors.
const CONNECTIONS: u32 = 6;
/// How long what was accepted may take to be applied when nothing more comes.
const SETTLED: Duration = Duration::from_mins(30);
/// What no queue has, and is not applied either, a worker holds; for so long at most.
const HELD: Duration = Duration::from_secs(20);
/// Looks while there is a backlog, each of which connects to the broker, and towards its end.
const BACKLOG_POLL: Duration = Duration::from_millis(250);
const POLL: Duration = Duration::from_millis(50);

/// By which way events go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Queue {
    Broker,
    Spool,
}

#[derive(Debug)]
pub(super) struct Installation {
    pub(super) pool: Pool,
    pub(super) key: String,
    pub(super) ingest: Option<Role>,
    pub(super) worker: Option<Role>,
    around: Surroundings,
    pub(super) database: ScratchDatabase,
    logs: PathBuf,
    clock: Clock,
    /// Of all that was sent.
    tally: Tally,
}

impl Installation {
    /// A fresh one, without running roles.
    ///
    /// # Errors
    /// When the servers do not answer.
    pub(super) async fn make(
        servers: &Servers,
        queue: Queue,
        logs: PathBuf,
        clock: &Clock,
    ) -> anyhow::Result<Self> {
        let database = servers.database().await?;
        let pool = db::connect(&database.url, CONNECTIONS, "commissary bench").await?;
        migrate::migrate(&pool, clock).await?;
        let key = random_key();
        let world = catalog::parse(&world(&key)).context("the measured world")?;
        catalog::sync(&pool, &world, clock.now())
            .await
            .context("the measured world")?;
        statistics::count_statements(&pool).await;
        db::floor::make_tables(&pool).await?;
        database.checkpoint().await?;
        let amqp_url = servers.amqp_url.clone().filter(|_| queue == Queue::Broker);
        let prefix = format!("{}.product", database.name());
        if amqp_url.is_some() {
            servers.note_queues(&prefix);
        }
        Ok(Self {
            around: Surroundings {
                database_url: database.url.clone(),
                amqp_url,
                amqp_prefix: prefix,
            },
            pool,
            key,
            ingest: None,
            worker: None,
            database,
            logs,
            clock: clock.clone(),
            tally: Tally::default(),
        })
    }

    /// Of its database.
    pub(super) fn name(&self) -> &str {
        self.database.name()
    }

    /// Both roles.
    ///
    /// # Errors
    /// When one does not start.
    pub(super) async fn start(&mut self) -> anyhow::Result<()> {
        self.start_ingest().await?;
        self.start_worker().await
    }

    pub(super) async fn start_ingest(&mut self) -> anyhow::Result<()> {
        self.ingest = Some(Role::start("ingest", &self.around, &self.logs).await?);
        Ok(())
    }

    pub(super) async fn start_worker(&mut self) -> anyhow::Result<()> {
        self.worker = Some(Role::start("worker", &self.around, &self.logs).await?);
        Ok(())
    }

    /// Notes what was sent, and says what came of it.
    pub(super) fn note(&mut self, sent: &Sent) {
        let mut tally = sent.tally.clone();
        tally.micros = Vec::new();
        self.tally.add(tally);
    }

    /// What became of the events so far.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(super) async fn progress(&self) -> anyhow::Result<Progress> {
        Ok(statistics::events(&self.pool).await?)
    }

    /// Waits until all that was answered is applied or refused; at the least, until nothing goes on any more.
    ///
    /// # Errors
    /// When the servers do not answer, or it takes too long.
    pub(super) async fn settle(&self) -> anyhow::Result<()> {
        let promised = self.tally.outcomes + self.tally.receipts + self.tally.refused;
        let deadline = Instant::now() + SETTLED;
        let mut idle_since = None;
        while Instant::now() < deadline {
            if self.at_broker().await? > 0 || statistics::is_waiting(&self.pool).await? {
                idle_since = None;
                sleep(BACKLOG_POLL).await;
                continue;
            }
            let progress = self.progress().await?;
            // A worker may still hold what it has taken.
            let since = *idle_since.get_or_insert_with(Instant::now);
            if progress.applied + progress.refused >= promised || since.elapsed() >= HELD {
                return Ok(());
            }
            sleep(POLL).await;
        }
        bail!(
            "what was accepted is not applied within {} minutes",
            SETTLED.as_secs() / 60
        )
    }

    /// Messages that wait at the broker.
    async fn at_broker(&self) -> anyhow::Result<u32> {
        let Some(url) = &self.around.amqp_url else {
            return Ok(0);
        };
        let url: AmqpUrl = url.expose_secret().parse()?;
        let topology = Topology::new(&self.around.amqp_prefix);
        let report = common::queue::amqp::inspect(&url, &topology).await?;
        let depths = report.queues.iter().filter_map(|queue| queue.depth);
        Ok(depths.map(|depth| depth.messages).sum())
    }

    /// Ends both roles, proves that what was answered is what is applied, and that the books are right, and drops everything.
    ///
    /// # Errors
    /// When something does not end or answer; a proof that fails is none.
    pub(super) async fn finish(mut self, servers: &Servers, scenario: &str) -> anyhow::Result<Proof> {
        if self.worker.is_some() {
            self.settle().await?;
        }
        for role in [self.ingest.take(), self.worker.take()].into_iter().flatten() {
            role.stop().await?;
        }
        let progress = self.progress().await?;
        let patient = db::connect_patiently(&self.database.url, "commissary bench").await?;
        let report = ledger_check::run(&patient, self.clock.now(), |_| {}).await?;
        patient.close().await;
        let proof = Proof::of(scenario, &self.tally, progress, report.total());
        self.pool.close().await;
        servers.drop_database(&self.database).await?;
        Ok(proof)
    }
}

fn random_key() -> String {
    format!("bench-{:032x}", rand::random::<u128>())
}

/// One organisation with one program and many affiliates: a sale brings one commission.
fn world(key: &str) -> String {
    let mut world = format!(
        "[orgs.bench]\ntitle = \"Bench\"\nowner = {{ id = \"bench\", name = \"Bench\" }}\n\
         [orgs.bench.keys]\nbench = {{ key = \"{key}\", scopes = [\"ingest\"], rate_per_minute = 2_000_000_000 }}\n\
         [orgs.bench.programs.bench]\ntitle = \"Bench\"\ndefault = true\ncurrency = \"USD\"\ncookie_time = 45\n\
         approval = \"manual\"\ntypes.standard.percentage = 10\n"
    );
    for number in 0..AFFILIATES {
        // Writing to a String cannot fail.
        write!(
            world,
            "[orgs.bench.affiliates.affiliate{number:03}]\nfirstname = \"Affiliate\"\nlastname = \"{number:03}\"\n\
             programs.bench = {{ coupon = \"BENCH{number:03}\", referral_code = \"bench{number:03}\" }}\n"
        )
        .unwrap_or_default();
    }
    world
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_measured_world_is_a_catalog() {
        catalog::parse(&world(&random_key())).unwrap();
    }
}

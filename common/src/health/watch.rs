//! Looks every few seconds, shows what it saw to the metrics, and says that this process lives.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};

use super::{
    gauges,
    lag::{SeenSince, queue_since_as_told},
    look::{self, BrokerLook, Database, Queues},
    report::Says,
};
use crate::{
    db::{
        self, DbError, Pool,
        heartbeats::{self, Beat, QueueSeen},
    },
    queue::amqp::Broker,
    runtime::{Clock, TaskGroup},
    telemetry,
};

/// Between two signs of life. Three that are missed are noticed.
const BEAT: Duration = Duration::from_secs(4);
/// A look that takes long is made less often: it may cost the database this part of one connection's time.
const LOOK_SHARE: u32 = 20;
/// But no less often than this.
const LOOK_MOST: Duration = Duration::from_mins(1);
/// A process that ends has so long to say so.
const LEAVE_LIMIT: Duration = Duration::from_millis(500);

/// Who watches.
#[derive(Clone, Debug)]
pub struct Watch {
    pub pool: Pool,
    /// `None`: this process has no broker to ask.
    pub broker: Option<Broker>,
    pub clock: Clock,
    pub role: &'static str,
    pub version: &'static str,
    pub says: Says,
}

/// Starts watching, as a task of `tasks`.
pub fn watch(watch: Watch, tasks: &TaskGroup) {
    tasks.keep_draining("watch", move |stop| {
        let mut watcher = Watcher::new(watch.clone());
        async move {
            stop.run_until_cancelled(watcher.run()).await;
            watcher.leave().await;
        }
    });
}

struct Watcher {
    watch: Watch,
    broker: Option<BrokerLook>,
    process: i64,
    host: String,
    started_at: DateTime<Utc>,
    seen_since: SeenSince,
    queue: Option<QueueSeen>,
    has_looked: bool,
}

impl Watcher {
    fn new(watch: Watch) -> Self {
        let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
        Self {
            broker: watch.broker.clone().map(BrokerLook::new),
            process: rand::random(),
            host: name,
            started_at: watch.clock.now(),
            seen_since: SeenSince::default(),
            queue: None,
            has_looked: false,
            watch,
        }
    }

    async fn run(&mut self) {
        let mut look_at = Instant::now();
        self.beat().await;
        loop {
            if Instant::now() >= look_at {
                let began = Instant::now();
                self.look().await;
                look_at = Instant::now() + (began.elapsed() * LOOK_SHARE).min(LOOK_MOST);
            }
            self.beat().await;
            tokio::time::sleep(BEAT).await;
        }
    }

    async fn look(&mut self) {
        let database = look::database(&self.watch.pool).await;
        let database = database.inspect_err(|error| tracing::debug!(error, "looking at the database"));
        let queues = match &mut self.broker {
            None => None,
            Some(broker) => Some(
                broker
                    .queues()
                    .await
                    .inspect_err(|error| tracing::debug!(error, "looking at the broker")),
            ),
        };
        let now = self.watch.clock.now();
        let since = self.queue_since(database.as_ref().ok(), queues.as_ref(), now);
        // Without the database nobody else is heard.
        let at_hand = self.watch.says.ask().oldest_at.filter(|_| database.is_err());
        let since = since.into_iter().chain(at_hand).min();
        gauges::set(&database, queues.as_ref(), since, now);
    }

    /// Since when the broker has held something, as far as this process can know.
    fn queue_since(
        &mut self,
        database: Option<&Database>,
        queues: Option<&Result<Queues, String>>,
        now: DateTime<Utc>,
    ) -> Option<DateTime<Utc>> {
        let told = database.and_then(queue_since_as_told);
        let Some(Ok(queues)) = queues else {
            self.queue = None;
            return told;
        };
        let older = if self.has_looked { None } else { told };
        self.has_looked = true;
        self.seen_since = self.seen_since.look(*queues, now, older);
        let processes = database.map(|database| database.processes.as_slice());
        let waits_since = self.seen_since.waits_since(processes.unwrap_or_default());
        self.queue = Some(QueueSeen {
            messages: i32::try_from(queues.messages()).unwrap_or(i32::MAX),
            consumers: i32::try_from(queues.events.consumers).unwrap_or(i32::MAX),
            waits_since,
        });
        waits_since
    }

    async fn beat(&self) {
        let report = self.watch.says.ask();
        let beat = Beat {
            process: self.process,
            role: self.watch.role,
            host: self.host.clone(),
            pid: i32::try_from(std::process::id()).unwrap_or_default(),
            version: self.watch.version,
            started_at: self.started_at,
            clock_at: self.watch.clock.now(),
            doing: report.doing,
            trouble: report.trouble,
            oldest_at: report.oldest_at,
            delivered_at: report.delivered_at,
            queue: self.queue,
        };
        let said = async { heartbeats::beat(&mut *db::acquire(&self.watch.pool).await?, &beat).await };
        let said: Result<Result<(), DbError>, _> = tokio::time::timeout(BEAT, said).await;
        if let Ok(Err(error)) = said {
            tracing::debug!(error = %telemetry::chain(&error), "saying that this process lives");
        }
    }

    /// Who does not hear it takes the process for dead a little later.
    async fn leave(&self) {
        let left =
            async { heartbeats::leave(&mut *db::acquire(&self.watch.pool).await?, self.process).await };
        let left: Result<Result<(), DbError>, _> = tokio::time::timeout(LEAVE_LIMIT, left).await;
        if let Ok(Err(error)) = left {
            tracing::debug!(error = %telemetry::chain(&error), "saying that this process ends");
        }
    }
}

//! A process of one or more roles: its supervisor, and the groups of tasks in the order in which they end.

use std::time::Duration;

use anyhow::Context as _;
use common::{
    http::DRAIN_TIMEOUT,
    queue::amqp::{self, Broker},
    runtime::{AmqpArgs, Supervisor, TaskGroup},
    telemetry::metrics::Metrics,
};

/// What watches over the process has nothing to finish.
const UPKEEP_DRAIN: Duration = Duration::from_secs(1);

/// The supervisor of a process that signals end, which says `first` what it does before it does.
///
/// # Errors
/// When signals cannot be handled.
pub(crate) fn supervisor(first: &'static str) -> anyhow::Result<Supervisor> {
    Supervisor::of_process(first).context("handling signals")
}

/// A process that serves.
#[derive(Debug)]
pub(crate) struct Process {
    supervisor: Supervisor,
    /// Metrics and readiness: they end last.
    pub(crate) upkeep: TaskGroup,
}

impl Process {
    /// # Errors
    /// When signals cannot be handled.
    pub(crate) fn start() -> anyhow::Result<Self> {
        let supervisor = supervisor("open requests and batches finish first")?;
        let upkeep = supervisor.group("upkeep", UPKEEP_DRAIN);
        Ok(Self { supervisor, upkeep })
    }

    /// Starts counting.
    ///
    /// # Errors
    /// When the process counts already.
    pub(crate) fn metrics(&self) -> anyhow::Result<Metrics> {
        let metrics = Metrics::install().context("starting the metrics")?;
        let kept_up = metrics.clone();
        self.upkeep.keep("metrics", move || kept_up.clone().keep_up());
        Ok(metrics)
    }

    /// Starts the connections to the broker, if there is one. Groups made later use it and end before.
    ///
    /// # Errors
    /// When the URL is malformed.
    pub(crate) fn broker(&self, args: &AmqpArgs) -> anyhow::Result<Option<Broker>> {
        let tasks = self.group("broker connections", amqp::DRAIN_TIMEOUT);
        Broker::start(args, &tasks).context("AMQP_URL")
    }

    /// A group of tasks that ends before those made earlier.
    pub(crate) fn group(&self, name: &'static str, drain: Duration) -> TaskGroup {
        self.supervisor.group(name, drain)
    }

    /// The group of a server, its connections and its requests.
    pub(crate) fn requests(&self) -> TaskGroup {
        self.group("requests", DRAIN_TIMEOUT)
    }

    /// Runs until the process is asked to end, and ends it.
    ///
    /// # Errors
    /// When a task has failed for good, or not all have ended in time.
    pub(crate) async fn finish(self) -> anyhow::Result<()> {
        Ok(self.supervisor.finish().await?)
    }
}

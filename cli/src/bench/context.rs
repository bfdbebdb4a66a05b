//! What all scenarios of a run share: the servers, how long and how much, and what was found so far.

use std::{path::PathBuf, time::Duration};

use common::runtime::Clock;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{
    figure::Figure,
    floors::Floors,
    installation::{Installation, Queue},
    load::Times,
    proof::Proof,
    servers::Servers,
};

const TICK: Duration = Duration::from_millis(200);
/// A floor is steady sooner than the product.
const SHORTEST_FLOOR: Duration = Duration::from_millis(500);
const LONGEST_FLOOR: Duration = Duration::from_secs(5);
/// Connections that are tried for the maximum.
pub(crate) const CONNECTIONS: [usize; 5] = [1, 16, 64, 256, 1024];

/// How long and how much is measured.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) seconds: u64,
    pub(crate) connections: Vec<usize>,
    /// Events of a backlog.
    pub(crate) rows: u64,
    /// Conversions that are stored before.
    pub(crate) stored: u64,
}

impl Plan {
    pub(super) fn times(&self) -> Times {
        Times {
            // What a process does for the first time takes longer.
            warm_up: Duration::from_secs(self.seconds).div_f64(4.0),
            measured: Duration::from_secs(self.seconds),
        }
    }

    /// For each floor.
    pub(super) fn floor_time(&self) -> Duration {
        Duration::from_secs(self.seconds)
            .div_f64(4.0)
            .clamp(SHORTEST_FLOOR, LONGEST_FLOOR)
    }

    /// For what must be one number of connections.
    pub(super) fn most_connections(&self) -> usize {
        self.connections.iter().copied().max().unwrap_or(1)
    }
}

#[derive(Debug)]
pub(super) struct Context {
    pub(super) servers: Servers,
    pub(super) plan: Plan,
    pub(super) clock: Clock,
    pub(super) logs: PathBuf,
    pub(super) figures: Vec<Figure>,
    pub(super) proofs: Vec<Proof>,
    /// The most synchronous answers a second that were measured in this round, and with how many connections.
    pub(super) best: Option<(f64, usize)>,
    /// Milliseconds that half of the answers to one connection took at most.
    pub(super) alone_ms: Option<f64>,
    progress: ProgressBar,
}

impl Context {
    pub(super) fn new(servers: Servers, plan: Plan, clock: Clock, logs: PathBuf) -> Self {
        let progress = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("{bar:20} {pos}/{len} {elapsed_precise} {msg}") {
            progress.set_style(style);
        }
        progress.enable_steady_tick(TICK);
        Self {
            servers,
            plan,
            clock,
            logs,
            figures: Vec::new(),
            proofs: Vec::new(),
            best: None,
            alone_ms: None,
            progress,
        }
    }

    /// Says what is done now: on a terminal in one line, elsewhere in a line of its own.
    pub(super) fn say(&self, what: &str) -> anyhow::Result<()> {
        self.progress.set_message(what.to_owned());
        if self.progress.is_hidden() {
            crate::print::note(what)?;
        }
        Ok(())
    }

    /// The same for what changes all the time: only where it takes no lines.
    pub(super) fn show(&self, what: &str) {
        self.progress.set_message(what.to_owned());
    }

    /// A fresh installation, by the broker where there is one.
    pub(super) async fn installation(&self, queue: Queue) -> anyhow::Result<Installation> {
        let logs = self.logs.clone();
        Installation::make(&self.servers, queue, logs, &self.clock).await
    }

    pub(super) fn queue(&self) -> Queue {
        if self.servers.amqp_url.is_some() {
            Queue::Broker
        } else {
            Queue::Spool
        }
    }

    pub(super) async fn floors(&self, installation: &Installation) -> anyhow::Result<Floors> {
        Floors::of(installation, &self.servers, self.plan.floor_time()).await
    }

    /// Proves what was measured, and drops it.
    pub(super) async fn finish(&mut self, installation: Installation, scenario: &str) -> anyhow::Result<()> {
        self.say(&format!("{scenario}: proving it"))?;
        let proof = installation.finish(&self.servers, scenario).await?;
        self.proofs.push(proof);
        Ok(())
    }

    /// So many scenarios will be measured.
    pub(super) fn expect(&self, scenarios: usize) {
        self.progress
            .set_length(u64::try_from(scenarios).unwrap_or(u64::MAX));
    }

    /// One of them is.
    pub(super) fn step(&self) {
        self.progress.inc(1);
    }

    /// The end of a round: its figures.
    pub(super) fn take_figures(&mut self) -> Vec<Figure> {
        self.best = None;
        self.alone_ms = None;
        std::mem::take(&mut self.figures)
    }

    pub(super) fn end_progress(&self) {
        self.progress.finish_and_clear();
    }
}

//! The floors, measured beside the product on the same servers: what it is told as a part of.

use std::{path::Path, sync::Arc, time::Duration};

use anyhow::Context as _;
use common::{
    db::{Pool, floor},
    queue::amqp::{Connection, FloorChannel, Topology},
};

use super::{
    figure::{FloorRates, median},
    installation::Installation,
    load::{Closed, Shape, Times, Workload, send},
    role::{Role, own_executable},
    servers::Servers,
};

/// A message of the broker's floor has so many bytes, and so many are unconfirmed at most.
const MESSAGE_BYTES: usize = 600;
const IN_FLIGHT: usize = 1_000;
/// Publishes and commits that are measured one by one.
const ALONE: usize = 200;

/// What measures them.
#[derive(Debug)]
pub(super) struct Floors {
    broker: Option<(Arc<Connection>, FloorChannel)>,
    pool: Pool,
    time: Duration,
}

impl Floors {
    /// Those of the servers of an installation, each measured for `time`.
    ///
    /// # Errors
    /// When the broker does not answer.
    pub(super) async fn of(
        installation: &Installation,
        servers: &Servers,
        time: Duration,
    ) -> anyhow::Result<Self> {
        let prefix = format!("{}.floor", installation.name());
        let broker = match servers.broker(&prefix).await? {
            Some(connection) => {
                let channel = FloorChannel::open(&connection, &Topology::new(&prefix), MESSAGE_BYTES).await?;
                Some((connection, channel))
            }
            None => None,
        };
        Ok(Self {
            broker,
            pool: installation.pool.clone(),
            time,
        })
    }

    /// B and D now.
    ///
    /// # Errors
    /// When a server refuses.
    pub(super) async fn rates(&self) -> anyhow::Result<FloorRates> {
        let b = match &self.broker {
            Some((_, channel)) => {
                let rate = channel.per_second(IN_FLIGHT, self.time).await?;
                channel.purge().await?;
                Some(rate)
            }
            None => None,
        };
        let d = Some(floor::per_second(&self.pool, self.time).await?);
        Ok(FloorRates { b, d, h: None })
    }

    /// Milliseconds that half of the publishes took at most that had the broker to themselves, and half of the commits the database.
    ///
    /// # Errors
    /// When a server refuses.
    pub(super) async fn alone(&self) -> anyhow::Result<(Option<f64>, f64)> {
        let publish = match &self.broker {
            Some((_, channel)) => {
                let times = channel.alone(ALONE).await?;
                channel.purge().await?;
                median_ms(&times)
            }
            None => None,
        };
        let commits = floor::alone(&self.pool, ALONE).await?;
        Ok((publish, median_ms(&commits).context("no commit was measured")?))
    }
}

fn median_ms(times: &[Duration]) -> Option<f64> {
    median(times.iter().map(Duration::as_secs_f64)).map(|seconds| seconds * 1e3)
}

/// Requests a second that a handler answers which only parses their bodies, as a process of its own.
///
/// # Errors
/// When it does not start.
pub(super) async fn http_per_second(
    workload: Workload,
    connections: usize,
    time: Duration,
    logs: &Path,
) -> anyhow::Result<f64> {
    let mut command = own_executable()?;
    command.arg("bench");
    let floor = Role::launch("http-floor", command, logs).await?;
    let shape = Shape::Closed(Closed {
        connections,
        most: None,
    });
    let times = Times {
        warm_up: time / 4,
        measured: time,
    };
    let sent = send(floor.address, workload, shape, times).await?;
    floor.stop().await?;
    Ok(super::measure::per_second(sent.tally.measured, time))
}

//! What a measured time cost: processors, memory, WAL, statements. The difference of two looks.

use std::time::Duration;

use common::db::{
    Pool,
    statistics::{self, Statistics},
};
use serde::{Deserialize, Serialize};

use super::{installation::Installation, process_list, servers::Servers};

/// Whom it looks at.
#[derive(Debug)]
pub(super) struct Meter {
    pool: Pool,
    ingest: Option<u32>,
    worker: Option<u32>,
    postmaster: Option<u32>,
    broker: Option<u32>,
}

/// One look.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Look {
    ingest: Option<Duration>,
    worker: Option<Duration>,
    postgres: Option<Duration>,
    broker: Option<Duration>,
    statistics: Statistics,
    ingest_bytes: Option<u64>,
    worker_bytes: Option<u64>,
}

/// What an event cost between two looks. Null where this machine does not tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Costs {
    /// Microseconds of a processor for an event.
    pub(crate) ingest_micros: Option<f64>,
    pub(crate) worker_micros: Option<f64>,
    pub(crate) postgres_micros: Option<f64>,
    pub(crate) broker_micros: Option<f64>,
    pub(crate) wal_bytes: Option<f64>,
    pub(crate) statements: Option<f64>,
    pub(crate) commits_per_1000: Option<f64>,
    pub(crate) flushes_per_1000: Option<f64>,
    /// The most that each has had resident since it started.
    pub(crate) ingest_megabytes: Option<f64>,
    pub(crate) worker_megabytes: Option<f64>,
}

impl Meter {
    pub(super) async fn of(installation: &Installation, servers: &Servers) -> Self {
        Self {
            pool: installation.pool.clone(),
            ingest: installation.ingest.as_ref().and_then(super::role::Role::pid),
            worker: installation.worker.as_ref().and_then(super::role::Role::pid),
            postmaster: servers.postmaster(&installation.pool).await,
            broker: servers.broker_process(),
        }
    }

    pub(super) async fn look(&self) -> anyhow::Result<Look> {
        Ok(Look {
            ingest: self.ingest.and_then(process_list::time_of),
            worker: self.worker.and_then(process_list::time_of),
            postgres: self.postmaster.and_then(process_list::time_of_family),
            broker: self.broker.and_then(process_list::time_of),
            statistics: statistics::look(&self.pool).await?,
            ingest_bytes: self.ingest.and_then(process_list::most_memory),
            worker_bytes: self.worker.and_then(process_list::most_memory),
        })
    }
}

impl Look {
    /// What so many events cost from `before` until this look.
    pub(super) fn since(&self, before: &Self, events: f64) -> Costs {
        let micros = |now: Option<Duration>, then: Option<Duration>| {
            let took = now?.checked_sub(then?)?;
            Some(took.as_secs_f64() * 1e6 / events)
        };
        let (now, then) = (self.statistics, before.statistics);
        let each = |now: Option<i64>, then: Option<i64>| Some(number(now? - then?) / events);
        let megabytes = |bytes: Option<u64>| Some(number(i64::try_from(bytes?).ok()?) / 1e6);
        Costs {
            ingest_micros: micros(self.ingest, before.ingest),
            worker_micros: micros(self.worker, before.worker),
            postgres_micros: micros(self.postgres, before.postgres),
            broker_micros: micros(self.broker, before.broker),
            wal_bytes: each(Some(now.wal_bytes), Some(then.wal_bytes)),
            statements: each(now.statements, then.statements),
            commits_per_1000: each(Some(now.commits), Some(then.commits)).map(|each| each * 1e3),
            flushes_per_1000: each(now.flushes, then.flushes).map(|each| each * 1e3),
            ingest_megabytes: megabytes(self.ingest_bytes),
            worker_megabytes: megabytes(self.worker_bytes),
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a measurement")]
fn number(count: i64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs_are_those_of_an_event() {
        let before = Look {
            ingest: Some(Duration::from_millis(100)),
            ingest_bytes: Some(1),
            statistics: Statistics {
                wal_bytes: 1_000,
                flushes: Some(5),
                commits: 10,
                statements: None,
            },
            ..Look::default()
        };
        let after = Look {
            ingest: Some(Duration::from_millis(140)),
            ingest_bytes: Some(64_000_000),
            statistics: Statistics {
                wal_bytes: 5_001_000,
                flushes: Some(15),
                commits: 30,
                statements: None,
            },
            ..Look::default()
        };
        let costs = after.since(&before, 1_000.0);
        assert_eq!(costs.ingest_micros, Some(40.0));
        assert_eq!(costs.wal_bytes, Some(5_000.0));
        assert_eq!(
            (costs.flushes_per_1000, costs.commits_per_1000),
            (Some(10.0), Some(20.0))
        );
        assert_eq!((costs.ingest_megabytes, costs.worker_micros), (Some(64.0), None));
        assert_eq!(costs.statements, None);
    }
}

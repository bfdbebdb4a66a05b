//! One look at the database, and one at the broker's queues. Each has a limit of its own: a server that does not answer is seen as that.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, Utc};

use crate::{
    db::{
        self, DbError, Pool,
        backlog::{self, Connections, Failed, OrgLag, Spool, Waiting},
        heartbeats::{self, Heartbeat},
        spool_bulk::{self, Load},
    },
    queue::amqp::{AmqpError, Broker, Connection, QueueDepth, QueueProbe},
    telemetry,
};

/// For one statement.
const STATEMENT_LIMIT: Duration = Duration::from_secs(4);
/// For all of a look.
const LOOK_LIMIT: Duration = Duration::from_secs(8);

/// What the database says.
#[derive(Clone, Debug)]
pub struct Database {
    pub spool: Spool,
    pub waiting: Waiting,
    /// `None`: there are so many that counting them takes too long.
    pub failed: Option<Failed>,
    pub orgs: Vec<OrgLag>,
    pub bulk: Vec<Load>,
    pub connections: Connections,
    /// The latest first; also those that say nothing any more.
    pub processes: Vec<Heartbeat>,
}

impl Database {
    /// By its own clock.
    pub fn now(&self) -> DateTime<Utc> {
        self.spool.now
    }
}

/// What the broker says of its queues.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Queues {
    pub events: QueueDepth,
    pub bulk: QueueDepth,
    pub undeliverable: QueueDepth,
}

impl Queues {
    /// Messages that are to be applied.
    pub fn messages(&self) -> u32 {
        self.events.messages.saturating_add(self.bulk.messages)
    }
}

/// # Errors
/// Why the database could not be looked at, in words.
pub async fn database(pool: &Pool) -> Result<Database, String> {
    let look = db::in_transaction(pool, async |connection| {
        db::limit_statements(connection, STATEMENT_LIMIT).await?;
        Ok::<_, DbError>(Database {
            spool: backlog::spool(connection).await?,
            waiting: backlog::waiting(connection).await?,
            failed: None,
            orgs: backlog::latest_orgs(connection).await?,
            bulk: spool_bulk::most_loaded(connection).await?,
            connections: backlog::connections(connection).await?,
            processes: heartbeats::all(connection).await?,
        })
    });
    match tokio::time::timeout(LOOK_LIMIT, look).await {
        Ok(Ok(found)) => Ok(Database {
            failed: failed(pool).await,
            ..found
        }),
        Ok(Err(error)) => Err(telemetry::chain(&error)),
        Err(_elapsed) => Err(format!("the database has not answered in {LOOK_LIMIT:?}")),
    }
}

/// By itself: that it takes long must not hide the rest.
async fn failed(pool: &Pool) -> Option<Failed> {
    let count = db::in_transaction(pool, async |connection| {
        db::limit_statements(connection, STATEMENT_LIMIT).await?;
        backlog::failed(connection).await
    });
    let counted = tokio::time::timeout(LOOK_LIMIT, count).await.ok()?;
    counted
        .inspect_err(|error| tracing::debug!(error = %telemetry::chain(error), "counting what failed"))
        .ok()
}

/// Asks the broker on a channel that stays open.
#[derive(Debug)]
pub(super) struct BrokerLook {
    broker: Broker,
    probe: Option<(Arc<Connection>, QueueProbe)>,
}

impl BrokerLook {
    pub(super) fn new(broker: Broker) -> Self {
        Self { broker, probe: None }
    }

    pub(super) async fn queues(&mut self) -> Result<Queues, String> {
        let found = tokio::time::timeout(LOOK_LIMIT, self.ask()).await;
        let found =
            found.unwrap_or_else(|_elapsed| Err(format!("the broker has not answered in {LOOK_LIMIT:?}")));
        if found.is_err() {
            self.probe = None;
        }
        found
    }

    async fn ask(&mut self) -> Result<Queues, String> {
        let words = |error: AmqpError| telemetry::chain(&error);
        // A connection that is blocked for publishing is not told to wait with questions on the other one.
        let connection = self
            .broker
            .consume
            .current()
            .ok_or("the broker is not connected")?;
        let is_open = self
            .probe
            .as_ref()
            .is_some_and(|(on, _)| Arc::ptr_eq(on, &connection));
        if !is_open {
            let probe = QueueProbe::open(&connection).await.map_err(words)?;
            self.probe = Some((connection, probe));
        }
        let Some((_, probe)) = &self.probe else {
            return Err("the broker is not connected".to_owned());
        };
        let topology = &self.broker.topology;
        Ok(Queues {
            events: probe.depth(&topology.events()).await.map_err(words)?,
            bulk: probe.depth(&topology.bulk()).await.map_err(words)?,
            undeliverable: probe.depth(&topology.undeliverable()).await.map_err(words)?,
        })
    }
}

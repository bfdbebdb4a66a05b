//! Sets the barriers behind which events that wait are decided for good (see [`common::db::barriers`]). Nothing happens, and nothing
//! costs anything, while no event waits for what it needs.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use common::{
    db::{self, DbError, Pool, barriers, notify},
    queue::amqp::{Broker, Connection, QueueProbe},
    telemetry,
};

/// A barrier that was not passed by then has met a consumer that is gone, or one that is stuck: another one is set. A busy lane
/// takes a second or two for all that it may have been delivered.
const GIVE_UP: Duration = Duration::from_secs(3);
/// After so long, and again after as long, it is said that nothing that waits can be decided.
const STUCK: Duration = Duration::from_mins(1);

/// Whoever decides what waits sets its barriers, too.
pub(crate) struct Setter {
    pool: Pool,
    /// `None`: the spool is the only queue.
    broker: Option<Broker>,
    probe: Option<(Arc<Connection>, QueueProbe)>,
    stuck: Option<Stuck>,
}

/// Nothing that waits can be decided.
#[derive(Clone, Copy)]
struct Stuck {
    since: Instant,
    /// When that was last so.
    seen: Instant,
}

impl Setter {
    pub(crate) fn new(pool: &Pool, broker: Option<&Broker>) -> Self {
        Self {
            pool: pool.clone(),
            broker: broker.cloned(),
            probe: None,
            stuck: None,
        }
    }

    /// Sees to it that a barrier later than `waits_since` is passed, and tells which one is.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn advance(&mut self, waits_since: i64) -> Result<i64, DbError> {
        let look = db::in_transaction(&self.pool, async |connection| {
            let seen = barriers::look(connection).await?;
            if seen.is_under_way(GIVE_UP) {
                // Who has missed the call hears it again.
                notify::tell(connection, notify::BARRIERS, &seen.latest.to_string()).await?;
            }
            let known = barriers::known_consumers(connection).await?;
            Ok::<_, DbError>((seen, known))
        });
        let (seen, known) = look.await?;
        self.tell_if_stuck(waits_since < seen.passed);
        if waits_since < seen.passed || seen.is_under_way(GIVE_UP) {
            return Ok(seen.passed);
        }
        // Counted after they were known, and before the barrier.
        let Some(consumers) = self.consumers().await else {
            return Ok(seen.passed);
        };
        db::in_transaction(&self.pool, async |connection| {
            let number = barriers::set(connection, &known, consumers).await?;
            notify::tell(connection, notify::BARRIERS, &number.to_string()).await
        })
        .await?;
        Ok(seen.passed)
    }

    fn tell_if_stuck(&mut self, is_passed: bool) {
        let now = Instant::now();
        // What waited long ago was parked meanwhile.
        let stuck = self.stuck.filter(|stuck| now - stuck.seen < STUCK);
        let since = stuck.map_or(now, |stuck| stuck.since);
        self.stuck = (!is_passed).then_some(Stuck { since, seen: now });
        if !is_passed && now - since > STUCK {
            tracing::warn!(
                "events wait: for {STUCK:?} it could not be proved that all that was accepted before them is applied. There is a \
                 backlog, or the queue has a consumer that is no worker of this version"
            );
            self.stuck = None;
        }
    }

    /// How many consumers the broker's queues have, none without a broker. `None`: one still has events to deliver, or nobody knows. A
    /// broker that is busy says of a queue that it has neither messages nor consumers.
    ///
    /// That they are added up loses nothing: who passes was known before both counts and is there after them, so it was counted; if
    /// as many pass as were counted, all of either queue have.
    async fn consumers(&mut self) -> Option<i32> {
        let Some(broker) = self.broker.clone() else {
            return Some(0);
        };
        let connection = broker.publish.current()?;
        let is_open = self
            .probe
            .as_ref()
            .is_some_and(|(on, _)| Arc::ptr_eq(on, &connection));
        if !is_open {
            let probe = QueueProbe::open(&connection).await;
            let probe = probe.inspect_err(|error| {
                tracing::debug!(error = %telemetry::chain(error), "asking for the queue's depth");
            });
            self.probe = Some((connection, probe.ok()?));
        }
        let (_, probe) = self.probe.as_ref()?;
        let mut consumers = 0;
        for queue in [broker.topology.events(), broker.topology.bulk()] {
            match probe.depth(&queue).await {
                Ok(depth) if depth.messages == 0 && depth.consumers > 0 => consumers += depth.consumers,
                Ok(_) => return None,
                Err(error) => {
                    tracing::debug!(error = %telemetry::chain(&error), queue, "asking for the queue's depth");
                    self.probe = None;
                    return None;
                }
            }
        }
        i32::try_from(consumers).ok()
    }
}

//! Keeps one connection to the broker, and makes the next when it ends.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use backon::{BackoffBuilder as _, ExponentialBackoff, ExponentialBuilder};
use futures_util::{Stream, StreamExt};
use lapin::Event;
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};
use tokio_util::sync::CancellationToken;

use super::dial::dial;
use super::{AmqpError, AmqpUrl, Connection, Topology, chain};
use crate::runtime::TaskGroup;

/// The wait before a new attempt is drawn from zero to a bound that doubles from the first value to the second.
const BACKOFF_FIRST: Duration = Duration::from_millis(100);
const BACKOFF_MOST: Duration = Duration::from_secs(5);
/// A connection that lived so long had nothing wrong with it at birth: the bound starts over.
const STABLE_AFTER: Duration = Duration::from_secs(1);
/// lapin reports the end of a connection by an event, but not every kind of end; this often we look for ourselves.
const STATUS_CHECK: Duration = Duration::from_secs(1);

/// What a manager's users see of it.
#[derive(Clone, Debug)]
pub enum ConnectionState {
    /// No attempt has finished yet.
    Connecting,
    Up(Arc<Connection>),
    /// Connected, but the broker takes no publishes for now (memory or disk alarm); consuming goes on. lapin writes nothing
    /// on a blocked connection, not even acks, which is why publishing and consuming have a manager each.
    Blocked(Arc<Connection>),
    /// Not connected, with the last reason; attempts go on until the manager is stopped.
    Down(String),
}

/// A connection to the broker that comes back. Cheap to clone; ends with its group of tasks.
#[derive(Clone, Debug)]
pub struct ConnectionManager {
    state: watch::Receiver<ConnectionState>,
}

impl ConnectionManager {
    /// Starts connecting, as a task of `tasks`. `purpose` ("publish", "consume") names the connection at the broker and in
    /// logs. The end of the group closes the connection politely, within two seconds: it must come after the work that
    /// uses the manager has finished.
    pub fn start(url: AmqpUrl, purpose: &'static str, topology: Topology, tasks: &TaskGroup) -> Self {
        let (sender, state) = watch::channel(ConnectionState::Connecting);
        let connector = Arc::new(Connector {
            url,
            purpose,
            topology,
            tasks: tasks.clone(),
            state: sender,
            number: AtomicU64::new(0),
        });
        tasks.keep_draining(format!("broker connection to {purpose}"), move |stop| {
            let connector = Arc::clone(&connector);
            async move { connector.run(&stop).await }
        });
        Self { state }
    }

    /// The state and its changes.
    pub fn state(&self) -> watch::Receiver<ConnectionState> {
        self.state.clone()
    }

    /// The connection that is up (not blocked) now, if there is one.
    pub fn current(&self) -> Option<Arc<Connection>> {
        match &*self.state.borrow() {
            ConnectionState::Up(connection) if !connection.is_over() => Some(Arc::clone(connection)),
            _ => None,
        }
    }

    /// Waits for a connection that is up (not blocked) and not over. `None`: the manager was stopped.
    pub async fn up(&self) -> Option<Arc<Connection>> {
        let mut state = self.state.clone();
        let usable = |state: &ConnectionState| matches!(state, ConnectionState::Up(connection) if !connection.is_over());
        let state = state.wait_for(usable).await.ok()?;
        match &*state {
            ConnectionState::Up(connection) => Some(Arc::clone(connection)),
            _ => None,
        }
    }

    /// Waits until its task has ended with its group.
    pub async fn stopped(&self) {
        let mut state = self.state.clone();
        while state.changed().await.is_ok() {}
    }
}

struct Connector {
    url: AmqpUrl,
    purpose: &'static str,
    topology: Topology,
    tasks: TaskGroup,
    state: watch::Sender<ConnectionState>,
    /// Of the last connection.
    number: AtomicU64,
}

impl Connector {
    async fn run(&self, stop: &CancellationToken) {
        self.leave_unwatched();
        let mut bounds = bounds();
        while !stop.is_cancelled() {
            let attempt = tokio::select! {
                biased;
                () = stop.cancelled() => break,
                attempt = self.connect() => attempt,
            };
            match attempt {
                Ok(connection) => {
                    let born = Instant::now();
                    self.watch(connection, stop).await;
                    if born.elapsed() >= STABLE_AFTER {
                        bounds = self::bounds();
                    }
                }
                Err(error) => self.down(&chain(&error)),
            }
            stop.run_until_cancelled(sleep(pause(&mut bounds))).await;
        }
        self.state
            .send_replace(ConnectionState::Down("stopped".to_owned()));
        tracing::info!(purpose = self.purpose, "broker connection stopped");
    }

    /// After a panic: nobody watches over the connection that was up.
    fn leave_unwatched(&self) {
        if let ConnectionState::Up(connection) | ConnectionState::Blocked(connection) = &*self.state.borrow()
        {
            connection.fail("its manager was started again");
        }
    }

    async fn connect(&self) -> Result<Arc<Connection>, AmqpError> {
        let (connection, socket) = dial(&self.url, self.purpose).await?;
        let number = self.number.fetch_add(1, Ordering::Relaxed) + 1;
        let connection = Arc::new(Connection::new(number, connection, socket, self.tasks.clone()));
        match self.topology.declare(&connection).await {
            Ok(()) => Ok(connection),
            Err(error) => {
                connection.close("its queues could not be declared").await;
                Err(error)
            }
        }
    }

    /// From up to down, or to stopped.
    async fn watch(&self, connection: Arc<Connection>, stop: &CancellationToken) {
        let mut events = Box::pin(connection.inner().events_listener());
        tracing::info!(
            purpose = self.purpose,
            connection = connection.number(),
            broker = %self.url,
            "broker connection up"
        );
        self.state
            .send_replace(ConnectionState::Up(Arc::clone(&connection)));
        let reason = tokio::select! {
            () = stop.cancelled() => None,
            reason = connection.ended() => Some(reason.to_owned()),
            reason = self.until_broken(&connection, &mut events) => Some(reason),
        };
        let Some(reason) = reason else {
            connection.close("the manager was stopped").await;
            return;
        };
        connection.fail(reason.as_str());
        self.down(&reason);
        // In the background: a silent broker would hold up the next attempt.
        self.tasks.detach("closing a broken connection", async move {
            connection.close(&reason).await;
        });
    }

    async fn until_broken(
        &self,
        connection: &Arc<Connection>,
        events: &mut (impl Stream<Item = Event> + Unpin),
    ) -> String {
        let mut check = interval(STATUS_CHECK);
        check.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                event = events.next() => match event {
                    Some(Event::ConnectionBlocked(why)) => self.blocked(connection, &why),
                    Some(Event::ConnectionUnblocked) => self.unblocked(connection),
                    // Of the connection or of one of its channels: both end the connection.
                    Some(Event::Error(error)) => return chain(&error),
                    Some(_) => {}
                    None => return "the connection ended".to_owned(),
                },
                _ = check.tick() => {
                    if !connection.inner().status().connected() {
                        return "the connection was closed".to_owned();
                    }
                }
            }
        }
    }

    fn blocked(&self, connection: &Arc<Connection>, why: &str) {
        tracing::warn!(purpose = self.purpose, why, "the broker accepts no publishes");
        self.state
            .send_replace(ConnectionState::Blocked(Arc::clone(connection)));
    }

    fn unblocked(&self, connection: &Arc<Connection>) {
        tracing::info!(purpose = self.purpose, "the broker accepts publishes again");
        self.state
            .send_replace(ConnectionState::Up(Arc::clone(connection)));
    }

    /// Says it once, however many attempts fail for the same reason.
    fn down(&self, reason: &str) {
        let known = matches!(&*self.state.borrow(), ConnectionState::Down(before) if before == reason);
        if known {
            return;
        }
        tracing::warn!(purpose = self.purpose, broker = %self.url, reason, "broker connection down; reconnecting");
        self.state.send_replace(ConnectionState::Down(reason.to_owned()));
    }
}

/// The bounds of the waits, from the first to the last.
fn bounds() -> ExponentialBackoff {
    ExponentialBuilder::default()
        .with_min_delay(BACKOFF_FIRST)
        .with_max_delay(BACKOFF_MOST)
        .without_max_times()
        .build()
}

/// Full jitter: a fleet that lost its broker at one moment must not come back at one moment.
fn pause(bounds: &mut ExponentialBackoff) -> Duration {
    let bound = bounds.next().unwrap_or(BACKOFF_MOST);
    rand::random_range(Duration::ZERO..=bound)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_is_bounded_and_spread() {
        assert!((0..200).all(|_| pause(&mut bounds()) <= BACKOFF_FIRST));
        let mut long = bounds();
        let pauses: Vec<Duration> = (0..400).map(|_| pause(&mut long)).collect();
        assert!(pauses.iter().all(|pause| *pause <= BACKOFF_MOST));
        assert!(
            pauses.iter().any(|pause| *pause > BACKOFF_MOST / 2),
            "the bound grows"
        );
        assert!(
            pauses.iter().skip(10).any(|pause| *pause < BACKOFF_MOST / 2),
            "and the wait is drawn from all below it"
        );
    }
}

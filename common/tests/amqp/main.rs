//! `common::queue::amqp` against a real broker, through a relay that makes the network fail.

#![expect(
    clippy::disallowed_methods,
    reason = "what a test starts ends with its runtime"
)]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test stops at the first surprise, helpers included"
)]

#[path = "../../../tests/src/relay.rs"]
mod relay;

mod confirms;
mod consume;
mod faults;
mod replies;
mod topology;

use std::sync::Arc;
use std::time::Duration;

use common::queue::amqp::{
    AmqpUrl, Confirm, ConfirmChannel, Connection, ConnectionManager, ConnectionState, DRAIN_TIMEOUT, Topology,
};
use common::runtime::{Supervisor, TaskGroup};
use tokio::time::{Instant, timeout};
use uuid::Uuid;

/// No step of a test that succeeds takes so long.
const PATIENCE: Duration = Duration::from_secs(20);
/// The queues of a test go away so long after it.
const EXPIRES: Duration = Duration::from_mins(2);

/// The broker of the test run and one set of queues for one test.
struct World {
    url: AmqpUrl,
    topology: Topology,
    tasks: TaskGroup,
}

impl World {
    fn new() -> Self {
        let prefix = format!("test-{}", Uuid::from_u128(rand::random()));
        Self {
            url: broker().parse().unwrap(),
            topology: Topology::new(&prefix).expiring_after(EXPIRES),
            tasks: Supervisor::new().group("connections", DRAIN_TIMEOUT),
        }
    }

    fn manager(&self, purpose: &'static str) -> ConnectionManager {
        self.manager_to(self.url.clone(), purpose)
    }

    /// By way of a relay on this port.
    fn manager_through(&self, port: u16, purpose: &'static str) -> ConnectionManager {
        self.manager_to(broker_at("127.0.0.1", port).parse().unwrap(), purpose)
    }

    fn manager_to(&self, url: AmqpUrl, purpose: &'static str) -> ConnectionManager {
        ConnectionManager::start(url, purpose, self.topology.clone(), &self.tasks)
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.tasks.stop().cancel();
    }
}

fn broker() -> String {
    #[expect(clippy::disallowed_methods, reason = "tests have no configuration but this")]
    std::env::var("AMQP_URL").expect("set AMQP_URL, or run ./scripts/test")
}

/// `host:port` of the broker.
fn broker_address() -> String {
    let url = broker();
    let authority = url
        .split("://")
        .nth(1)
        .unwrap()
        .split(['/', '?'])
        .next()
        .unwrap()
        .to_owned();
    let address = authority.rsplit('@').next().unwrap().to_owned();
    if address.contains(':') {
        address
    } else {
        format!("{address}:5672")
    }
}

fn broker_at(host: &str, port: u16) -> String {
    broker().replacen(&broker_address(), &format!("{host}:{port}"), 1)
}

async fn up(manager: &ConnectionManager) -> Arc<Connection> {
    timeout(PATIENCE, manager.up())
        .await
        .expect("the manager came up")
        .expect("the manager was not stopped")
}

async fn publish(channel: &mut ConfirmChannel, queue: &str, id: &str) -> Confirm {
    let pending = channel.publish(queue, id, id.as_bytes().to_vec()).unwrap();
    timeout(PATIENCE, pending).await.expect("a confirm")
}

/// Waits for the state; returns how long it took.
async fn until(
    manager: &ConnectionManager,
    wanted: impl FnMut(&ConnectionState) -> bool,
    patience: Duration,
) -> Duration {
    let start = Instant::now();
    let mut state = manager.state();
    timeout(patience, state.wait_for(wanted))
        .await
        .expect("the state in time")
        .unwrap();
    start.elapsed()
}

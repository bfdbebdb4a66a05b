//! The api of a test, over its own database.

use std::sync::LazyLock;

use common::{db::Pool, message::EventIds, runtime::Clock, telemetry::metrics::Metrics};

use crate::{Api, Ready};

/// They are counted once a process, and tests share one.
static METRICS: LazyLock<Metrics> = LazyLock::new(|| Metrics::install().unwrap());

/// What issues and verifies the ids of tests' events.
pub(crate) fn ids() -> EventIds {
    EventIds::new(&"secret".into()).unwrap()
}

pub(crate) fn over(pool: &Pool) -> Api {
    let ready = Ready::Database(pool.clone());
    Api::new(pool.clone(), ids(), Clock::default(), ready, METRICS.clone())
}

//! The load: requests whose bytes are ready before, over connections that stay open, from one thread beside the product.
//!
//! It shares the machine with what it measures, so it does as little as it can, and tells what it took.

mod closed;
mod connection;
mod paced;
mod request;
mod tally;

use std::{net::SocketAddr, time::Duration};

use anyhow::Context as _;

pub(super) use closed::Closed;
pub(super) use paced::Paced;
use request::Requests;
pub(super) use request::{AFFILIATES, Dialect, Workload};
pub(super) use tally::{Latency, Tally};

use crate::bench::process_list;

/// How long connections and answers are waited for when the time is over.
const LAST_ANSWERS: Duration = Duration::from_secs(15);
/// An answer that takes longer is none.
const ANSWER: Duration = Duration::from_secs(12);

/// When what is sent and answered counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Times {
    /// Sent before measuring.
    pub(super) warm_up: Duration,
    pub(super) measured: Duration,
}

impl Times {
    pub(super) fn all(self) -> Duration {
        self.warm_up + self.measured
    }
}

/// How requests are sent.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shape {
    /// As many as are answered.
    Closed(Closed),
    /// So many a second, whether they are answered or not.
    Paced(Paced),
}

/// What came of it.
#[derive(Clone, Debug, Default)]
pub(super) struct Sent {
    pub(super) tally: Tally,
    /// The load's own time on the processor while it was measured, of 1 for one processor.
    pub(super) processor_share: f64,
}

/// Sends to `address` from a thread of its own, and waits for the last answers.
///
/// # Errors
/// When no connection can be made.
pub(super) async fn send(
    address: SocketAddr,
    workload: Workload,
    shape: Shape,
    times: Times,
) -> anyhow::Result<Sent> {
    let thread = tokio::task::spawn_blocking(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let before = process_list::time_of_thread();
        let tally = runtime.block_on(async {
            match shape {
                Shape::Closed(closed) => closed.run(address, workload, times).await,
                Shape::Paced(paced) => paced.run(address, workload, times).await,
            }
        })?;
        let took = process_list::time_of_thread().and_then(|after| after.checked_sub(before?));
        anyhow::Ok(Sent {
            tally,
            processor_share: took.unwrap_or_default().as_secs_f64() / times.all().as_secs_f64(),
        })
    });
    thread.await.context("the load's thread")?
}

//! Sends a load from a thread of its own, and tells what came of it and what it took.

use std::net::SocketAddr;

use anyhow::Context as _;
use tokio_util::sync::CancellationToken;

use super::{closed::Closed, paced::Paced, request::Workload, tally::Tally, times::Times};
use crate::bench::process_list;

/// How requests are sent.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shape {
    /// As many as are answered.
    Closed(Closed),
    /// So many a second, whether they are answered or not.
    Paced(Paced),
}

/// What came of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sent {
    pub(crate) tally: Tally,
    /// The load's own time on the processor while it was measured, of 1 for one processor.
    pub(crate) processor_share: f64,
}

/// Sends to `address` from a thread of its own, and waits for the last answers.
///
/// # Errors
/// When no connection can be made.
pub(crate) async fn send(
    address: SocketAddr,
    workload: Workload,
    shape: Shape,
    times: Times,
) -> anyhow::Result<Sent> {
    // The end of the process waits for its threads: this one ends when nobody waits for it any more.
    let given_up = CancellationToken::new();
    let _guard = given_up.clone().drop_guard();
    let thread = tokio::task::spawn_blocking(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let before = process_list::time_of_thread();
        let sent = runtime.block_on(given_up.run_until_cancelled(async {
            match shape {
                Shape::Closed(closed) => closed.run(address, workload, times).await,
                Shape::Paced(paced) => paced.run(address, workload, times).await,
            }
        }));
        let tally = sent.context("nobody waits for the load")??;
        let took = process_list::time_of_thread().and_then(|after| after.checked_sub(before?));
        anyhow::Ok(Sent {
            tally,
            processor_share: took.unwrap_or_default().as_secs_f64() / times.all().as_secs_f64(),
        })
    });
    thread.await.context("the load's thread")?
}

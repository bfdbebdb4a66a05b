//! One lane of a worker: takes a batch of express from the broker or the spool, applies it, answers, acknowledges; and again. Bulk
//! has lanes of its own, in [`bulk`]: express never waits behind it.

mod barrier;
mod broker;
pub(crate) mod bulk;
mod consumer;
mod held;
mod passing;
mod spool;
mod spool_position;
mod state;

use common::queue::amqp::Delivery;
use tokio_util::sync::CancellationToken;

use self::state::Lane;
use crate::{Worker, crash_guard::CrashGuard, lane_calls::Calls, pace::ExpressLoad};

/// While both have work, every so many batches one is the spool's.
const SPOOL_TURN: u32 = 4;

/// What a lane does next.
enum Next {
    /// A batch from the broker that begins with this.
    Broker(Delivery),
    /// A batch from the spool.
    Spool,
    /// The broker has come, or its connection is over.
    Reconnect,
    /// A barrier is to be passed.
    Barrier,
    Stop,
}

/// Works until `stop`.
pub(crate) async fn run(
    worker: Worker,
    guard: CrashGuard,
    number: u16,
    calls: Calls,
    express: ExpressLoad,
    stop: CancellationToken,
) {
    let mut lane = Lane::new(worker, guard, (number, "lane"), calls, express, stop);
    lane.worker.progress.started(lane.id());
    loop {
        match lane.next().await {
            Next::Broker(first) => lane.broker_batch(first).await,
            Next::Spool => lane.spool_batch().await,
            Next::Reconnect => lane.connect().await,
            Next::Barrier => lane.hear_of_barriers().await,
            Next::Stop => break,
        }
    }
    lane.worker.progress.ended(lane.id());
    lane.disconnect().await;
    lane.guard.leave(&lane.taker).await;
}

impl Lane {
    async fn next(&mut self) -> Next {
        if self.stop.is_cancelled() {
            return Next::Stop;
        }
        if self.may_connect() {
            return Next::Reconnect;
        }
        self.hear_of_barriers().await;
        self.pass_barrier().await;
        self.turns = self.turns.wrapping_add(1);
        let is_spools_turn = self.spool.has_more && self.turns.is_multiple_of(SPOOL_TURN);
        if !is_spools_turn && let Some(first) = self.ready() {
            return Next::Broker(first);
        }
        self.pass_barrier().await;
        if self.spool.has_more {
            return Next::Spool;
        }
        self.idle().await
    }

    /// Waits until there is something to do.
    async fn idle(&mut self) -> Next {
        let broker = self.worker.broker.as_ref();
        tokio::select! {
            biased;
            () = self.stop.cancelled() => Next::Stop,
            delivery = broker::next(self.consumer.as_mut(), broker) => delivery.map_or(Next::Reconnect, Next::Broker),
            () = self.spool.called() => Next::Spool,
            () = barrier::called(&mut self.barriers) => Next::Barrier,
        }
    }
}

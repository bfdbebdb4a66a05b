//! One lane of a worker: takes a batch from the broker or the spool, applies it, answers, acknowledges; and again.

mod barrier;
mod broker;
mod spool;

use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBuilder};
use common::{queue::amqp::Delivery, telemetry};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use self::{broker::Consumer, spool::Spool};
use crate::{
    BatchApplier, Paused, Worker,
    batch::{self, Batch, NewerVersion},
    lane_calls::Calls,
    outcomes,
    reply_publisher::ReplyPublisher,
};

/// While both have work, every so many batches one is the spool's.
const SPOOL_TURN: u32 = 4;
/// Between two attempts while nothing can be applied: from the first to the second, doubling.
const PAUSE_FIRST: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(5);

struct Lane {
    worker: Worker,
    number: u16,
    applier: BatchApplier,
    replies: ReplyPublisher,
    stop: CancellationToken,
    /// `None`: the broker is not there, or there is none.
    consumer: Option<Consumer>,
    spool: Spool,
    /// The number of the latest barrier.
    barriers: watch::Receiver<i64>,
    turns: u32,
}

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
pub(crate) async fn run(worker: Worker, number: u16, calls: Calls, stop: CancellationToken) {
    let mut lane = Lane {
        applier: BatchApplier::new(worker.pool.clone(), worker.clock.clone()),
        replies: ReplyPublisher::new(&worker),
        worker,
        number,
        stop,
        consumer: None,
        spool: Spool::new(calls.spool),
        barriers: calls.barriers,
        turns: 0,
    };
    loop {
        match lane.next().await {
            Next::Broker(first) => lane.broker_batch(first).await,
            Next::Spool => lane.spool_batch().await,
            Next::Reconnect => lane.connect().await,
            Next::Barrier => lane.hear_of_barriers().await,
            Next::Stop => break,
        }
    }
    lane.disconnect().await;
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
        telemetry::metrics::oldest_unapplied(Duration::ZERO);
        let broker = self.worker.broker.as_ref();
        tokio::select! {
            biased;
            () = self.stop.cancelled() => Next::Stop,
            next = broker::next(self.consumer.as_mut(), broker) => next,
            () = self.spool.called() => Next::Spool,
            () = barrier::called(&mut self.barriers) => Next::Barrier,
        }
    }

    /// Applies a batch and answers it, waiting out whatever is nobody's fault. `false`: stopped before it was applied.
    async fn settle(&mut self, source: &'static str, batch: &Batch, one_by_one: bool) -> bool {
        let span = batch::span(source, Some(self.number), &batch.events, Some(batch.bytes()));
        self.settle_in_span(batch, one_by_one).instrument(span).await
    }

    async fn settle_in_span(&mut self, batch: &Batch, one_by_one: bool) -> bool {
        batch::log_events(&batch.events);
        let mut pauses = ExponentialBuilder::default()
            .with_min_delay(PAUSE_FIRST)
            .with_max_delay(PAUSE_MAX)
            .without_max_times()
            .with_jitter()
            .build();
        let oldest = batch
            .events
            .iter()
            .map(|incoming| incoming.event.received_at)
            .min();
        loop {
            let age = oldest.and_then(|oldest| (self.worker.clock.now() - oldest).to_std().ok());
            telemetry::metrics::oldest_unapplied(age.unwrap_or_default());
            match self.apply(batch, one_by_one).await {
                Ok(()) => return true,
                Err(paused) => {
                    let pause = pauses.next().unwrap_or(PAUSE_MAX);
                    tracing::error!(reason = %telemetry::chain(&paused), pause_ms = pause.as_millis(), "nothing can be applied; events wait");
                    self.pause(pause).await;
                    if self.stop.is_cancelled() {
                        return false;
                    }
                }
            }
        }
    }

    async fn apply(&mut self, batch: &Batch, one_by_one: bool) -> Result<(), Paused> {
        batch
            .record_undecodable(&self.worker.pool, &self.worker.clock)
            .await
            .map_err(|error| Paused::Database(error.into()))?;
        let part_size = if one_by_one { 1 } else { batch.events.len().max(1) };
        for part in batch.events.chunks(part_size) {
            let decisions = self.applier.run(part).await?;
            outcomes::note(&decisions);
            self.replies.answer(&decisions, &batch.reply_to).await;
        }
        Ok(())
    }

    /// Waits, but not beyond the stop.
    async fn pause(&self, pause: Duration) {
        self.stop.run_until_cancelled(tokio::time::sleep(pause)).await;
    }
}

fn log_newer(newer: &NewerVersion) {
    tracing::error!(error = %telemetry::chain(newer), "this worker is older than an ingest: update it");
}

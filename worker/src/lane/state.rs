//! What a lane holds, and how it applies what it has taken, whatever from.

use std::time::{Duration, Instant};

use backon::{BackoffBuilder as _, ExponentialBuilder};
use common::{domain::Incoming, telemetry};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use super::{consumer::Consumer, spool_position::SpoolPosition};
use crate::{
    BatchApplier, Paused, Worker,
    batch::{self, Batch},
    crash_guard::{Care, CrashGuard, Taker},
    lane_calls::Calls,
    outcomes,
    pace::{ExpressLoad, Pace},
    progress::LaneId,
    reply_publisher::ReplyPublisher,
};

/// Between two attempts while nothing can be applied: from the first to the second, doubling.
pub(super) const PAUSE_FIRST: Duration = Duration::from_millis(100);
pub(super) const PAUSE_MAX: Duration = Duration::from_secs(5);

/// The source of batches that the broker delivered.
pub(super) const BROKER: &str = "broker";

pub(super) struct Lane {
    pub(super) worker: Worker,
    pub(super) number: u16,
    pub(super) applier: BatchApplier,
    pub(super) guard: CrashGuard,
    pub(super) taker: Taker,
    pub(super) replies: ReplyPublisher,
    pub(super) stop: CancellationToken,
    /// `None`: the broker is not there, or there is none.
    pub(super) consumer: Option<Consumer>,
    pub(super) spool: SpoolPosition,
    /// The number of the latest barrier.
    pub(super) barriers: watch::Receiver<i64>,
    pub(super) turns: u32,
    pub(super) express: ExpressLoad,
    /// `None`: a lane of express.
    pub(super) pace: Option<Pace>,
}

impl Lane {
    pub(super) fn new(
        worker: Worker,
        guard: CrashGuard,
        (number, what): (u16, &str),
        calls: Calls,
        express: ExpressLoad,
        stop: CancellationToken,
    ) -> Self {
        Self {
            applier: BatchApplier::new(worker.pool.clone(), worker.clock.clone()),
            guard,
            taker: Taker::new(&format!("{what} {number}")),
            replies: ReplyPublisher::new(&worker),
            worker,
            number,
            stop,
            consumer: None,
            spool: SpoolPosition::new(calls.spool),
            barriers: calls.barriers,
            turns: 0,
            express,
            pace: None,
        }
    }

    /// Applies a batch and answers it, waiting out whatever is nobody's fault. `false`: stopped before it was applied.
    pub(super) async fn settle(&mut self, source: &'static str, batch: &Batch, care: Care) -> bool {
        let span = batch::span(source, Some(self.number), &batch.events, Some(batch.bytes()));
        let received = || batch.events.iter().map(|incoming| incoming.event.received_at);
        let latest = (source == BROKER).then(|| received().max()).flatten();
        let (id, began) = (self.id(), Instant::now());
        self.worker.progress.took(id, received().min(), latest);
        let is_settled = self.settle_in_span(batch, care).instrument(span).await;
        self.worker.progress.settled(id);
        if is_settled {
            telemetry::metrics::taken(source, batch.events.len());
            telemetry::metrics::batch(source, began.elapsed());
        }
        is_settled
    }

    pub(super) fn id(&self) -> LaneId {
        (self.pace.is_some(), self.number)
    }

    async fn settle_in_span(&mut self, batch: &Batch, care: Care) -> bool {
        batch::log_events(&batch.events);
        let mut pauses = ExponentialBuilder::default()
            .with_min_delay(PAUSE_FIRST)
            .with_max_delay(PAUSE_MAX)
            .without_max_times()
            .with_jitter()
            .build();
        loop {
            match self.apply(batch, care).await {
                Ok(is_done) => return is_done,
                Err(paused) => {
                    let pause = pauses.next().unwrap_or(PAUSE_MAX);
                    self.worker.progress.paused(self.id(), &telemetry::chain(&paused));
                    telemetry::metrics::paused(paused.cause());
                    tracing::error!(reason = %telemetry::chain(&paused), pause_ms = pause.as_millis(), "nothing can be applied; events wait");
                    self.pause(pause).await;
                    if self.stop.is_cancelled() {
                        return false;
                    }
                }
            }
        }
    }

    /// `false`: stopped before the end of a suspect batch, which may be long.
    async fn apply(&mut self, batch: &Batch, care: Care) -> Result<bool, Paused> {
        batch
            .record_undecodable(&self.worker.pool, &self.worker.clock)
            .await
            .map_err(|error| Paused::Database(error.into()))?;
        let mut left = batch.events.as_slice();
        while !left.is_empty() {
            let most = self.pace.as_ref().map_or(left.len(), Pace::part);
            let (part, rest) = left.split_at(most.min(left.len()));
            left = rest;
            let is_done = match &self.pace {
                None => {
                    let _busy = self.express.begin();
                    self.apply_part(part, batch, care).await?
                }
                Some(pace) => {
                    let (turn, began) = (pace.turn().await, Instant::now());
                    let is_done = self.apply_part(part, batch, care).await?;
                    if let Some(pace) = &mut self.pace {
                        pace.rest(turn, part.len(), began.elapsed()).await;
                    }
                    is_done
                }
            };
            if care == Care::Suspect && self.stop.is_cancelled() {
                return Ok(is_done && left.is_empty());
            }
        }
        Ok(true)
    }

    /// `false`: stopped before the end of what is suspect.
    async fn apply_part(&mut self, part: &[Incoming], batch: &Batch, care: Care) -> Result<bool, Paused> {
        let mut careful = self.guard.begin(&self.taker, part, care).await?;
        while let Some(decisions) = careful.next(&self.applier).await? {
            outcomes::note(&decisions);
            self.replies.answer(&decisions, &batch.reply_to).await;
            if care == Care::Suspect && self.stop.is_cancelled() {
                return Ok(careful.is_done());
            }
        }
        Ok(true)
    }

    /// Waits, but not beyond the stop.
    pub(super) async fn pause(&self, pause: Duration) {
        self.stop.run_until_cancelled(tokio::time::sleep(pause)).await;
    }
}

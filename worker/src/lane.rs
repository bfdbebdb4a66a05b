//! One lane of a worker: takes a batch from the broker or the spool, applies it, answers, acknowledges; and again.

use std::{sync::Arc, time::Duration};

use backon::{BackoffBuilder as _, ExponentialBuilder};
use common::{
    db::{self, DbError, spool},
    queue::amqp::{Connection, Delivery, DeliveryTag, Subscription},
    telemetry,
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::{
    BatchApplier, Paused, Worker,
    batch::{Batch, NewerVersion},
    reply_publisher::ReplyPublisher,
};

/// Envelopes that a lane holds unacknowledged.
const PREFETCH: u16 = 32;
/// Envelopes looked at in the spool at once; an envelope holds up to 256 events.
const SPOOL_ENVELOPES: i64 = 16;
/// While both have work, every so many batches one is the spool's.
const SPOOL_TURN: u32 = 4;
/// After so many ids the drain of the spool starts again from zero, for rows that others gave back.
const SPOOL_RESCAN: u32 = 64;
/// Delivered this often before: something in the envelope may crash workers, so its events are applied one by one.
const SUSPECT_DELIVERIES: u64 = 2;
const PAUSE_FIRST: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(5);

struct Lane {
    worker: Worker,
    number: u16,
    process: BatchApplier,
    reply_publisher: ReplyPublisher,
    stop: CancellationToken,
    spool: watch::Receiver<u64>,
    /// Whether the spool had envelopes when it was last looked at, or somebody called since.
    spool_has_more: bool,
    spool_after: i64,
    turns: u32,
}

pub(crate) async fn run(worker: Worker, number: u16, spool: watch::Receiver<u64>, stop: CancellationToken) {
    let mut lane = Lane {
        process: BatchApplier::new(worker.pool.clone(), worker.clock.clone()),
        reply_publisher: ReplyPublisher::new(&worker),
        worker,
        number,
        stop,
        spool,
        spool_has_more: true,
        spool_after: 0,
        turns: 0,
    };
    while !lane.stop.is_cancelled() {
        let subscription = lane.subscribe().await;
        lane.work(subscription).await;
    }
}

impl Lane {
    /// A subscription on the broker, if it is there now.
    async fn subscribe(&self) -> Option<(Arc<Connection>, Subscription)> {
        let broker = self.worker.broker.as_ref()?;
        let connection = broker.consume.current()?;
        let tag = format!("worker-{}-{}", std::process::id(), self.number);
        match Subscription::open(&connection, &broker.topology.events(), PREFETCH, &tag).await {
            Ok(subscription) => Some((connection, subscription)),
            Err(error) => {
                connection.fail(format!(
                    "the consumer could not start: {}",
                    telemetry::chain(&error)
                ));
                None
            }
        }
    }

    /// Works until the stop, or until the broker comes or goes.
    async fn work(&mut self, mut subscription: Option<(Arc<Connection>, Subscription)>) {
        loop {
            if self.stop.is_cancelled() {
                if let Some((_, subscription)) = subscription
                    && let Err(error) = subscription.close().await
                {
                    tracing::debug!(error = %telemetry::chain(&error), "closing the consumer");
                }
                return;
            }
            let broker_is_up = self
                .worker
                .broker
                .as_ref()
                .is_some_and(|broker| broker.consume.current().is_some());
            if subscription.is_none() && broker_is_up {
                return;
            }
            self.turns = self.turns.wrapping_add(1);
            let is_spools_turn = self.turns.is_multiple_of(SPOOL_TURN);
            let ready = match &mut subscription {
                Some((_, subscription)) if !(self.spool_has_more && is_spools_turn) => subscription.ready(),
                _ => None,
            };
            match (ready, &mut subscription) {
                (Some(first), Some((connection, subscription))) => {
                    self.broker_batch(connection, subscription, first).await;
                }
                _ if self.spool_has_more => self.spool_batch().await,
                (_, subscription) => {
                    let Some((connection, subscription)) = subscription else {
                        if self.wait_without_broker().await {
                            return;
                        }
                        continue;
                    };
                    telemetry::metrics::oldest_unapplied(Duration::ZERO);
                    tokio::select! {
                        biased;
                        () = self.stop.cancelled() => {}
                        delivery = subscription.next() => match delivery {
                            Some(first) => {
                                let connection = Arc::clone(connection);
                                self.broker_batch(&connection, subscription, first).await;
                            }
                            None => return,
                        },
                        called = self.spool.changed() => self.spool_has_more = called.is_ok(),
                    }
                }
            }
        }
    }

    /// Waits for the spool; `true` when the broker has come.
    async fn wait_without_broker(&mut self) -> bool {
        let broker_comes = async {
            match &self.worker.broker {
                Some(broker) => broker.consume.up().await.is_some(),
                None => std::future::pending().await,
            }
        };
        telemetry::metrics::oldest_unapplied(Duration::ZERO);
        tokio::select! {
            () = self.stop.cancelled() => false,
            came = broker_comes => came,
            called = self.spool.changed() => {
                self.spool_has_more = called.is_ok();
                false
            }
        }
    }

    /// Takes all that is here, up to a batch.
    async fn broker_batch(
        &mut self,
        connection: &Connection,
        subscription: &mut Subscription,
        first: Delivery,
    ) {
        let mut batch = Batch::default();
        let mut last = None;
        let mut newer = None;
        let mut next = Some(first);
        let mut suspect = false;
        while let Some(delivery) = next.take() {
            suspect = delivery.delivery_count >= SUSPECT_DELIVERIES;
            if let Err(error) = batch.add(delivery.payload) {
                newer = Some((delivery.tag, error));
                break;
            }
            last = Some(delivery.tag);
            if suspect || !batch.has_room() {
                break;
            }
            next = subscription.ready();
        }
        if !self.settle(&batch, suspect).await {
            return;
        }
        if let Some(last) = last {
            match subscription.ack_through(last).await {
                Ok(true) => {}
                // It comes again, and every event is then known.
                Ok(false) => {
                    tracing::info!("an acknowledgement came too late; the batch will be delivered again");
                }
                Err(error) => connection.fail(telemetry::chain(&error)),
            }
        }
        if let Some((tag, error)) = newer {
            self.leave_to_newer(connection, subscription, tag, &error).await;
        }
    }

    /// Workers deploy first. Until a newer one comes the envelope waits in the spool: the broker would count how often it
    /// is given back, and give it up in the end.
    async fn leave_to_newer(
        &self,
        connection: &Connection,
        subscription: &Subscription,
        tag: DeliveryTag,
        newer: &NewerVersion,
    ) {
        log_newer(newer);
        let settled = match self.keep(&newer.payload).await {
            Ok(()) => subscription.ack(tag).await,
            Err(error) => {
                tracing::warn!(error = %telemetry::chain(&error), "the envelope cannot be kept in the spool now");
                subscription.requeue(tag).await
            }
        };
        if let Err(error) = settled {
            connection.fail(telemetry::chain(&error));
        }
        self.pause(PAUSE_MAX).await;
    }

    async fn keep(&self, payload: &[u8]) -> Result<(), DbError> {
        let mut transaction = db::begin(&self.worker.pool).await?;
        spool::put(&mut transaction, payload).await?;
        db::commit(transaction).await
    }

    /// Applies a batch and answers it, waiting out whatever is nobody's fault. `false`: stopped before it was applied.
    async fn settle(&mut self, batch: &Batch, one_by_one: bool) -> bool {
        let mut pauses = ExponentialBuilder::default()
            .with_min_delay(PAUSE_FIRST)
            .with_max_delay(PAUSE_MAX)
            .without_max_times()
            .with_jitter()
            .build();
        let oldest = batch.events.iter().map(|one| one.event.received_at).min();
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
            let decisions = self.process.run(part).await?;
            self.reply_publisher.answer(&decisions, &batch.reply_to).await;
        }
        Ok(())
    }

    /// Takes envelopes from the spool. The transaction that deletes them commits after their events are applied, so
    /// that a crash between the two only brings known events again; while it is open nobody else takes them.
    async fn spool_batch(&mut self) {
        let taken = match self.take_and_settle().await {
            Ok(taken) => taken,
            Err(error) => {
                tracing::warn!(error = %telemetry::chain(&error), "the spool cannot be read");
                self.pause(PAUSE_FIRST).await;
                return;
            }
        };
        if !taken {
            let rescan = self.spool_after > 0;
            self.spool_after = 0;
            self.spool_has_more = rescan || self.spool.has_changed().unwrap_or(false);
        }
        if self.turns.is_multiple_of(SPOOL_RESCAN) {
            self.spool_after = 0;
        }
        self.spool.mark_unchanged();
    }

    async fn take_and_settle(&mut self) -> Result<bool, DbError> {
        let mut transaction = db::begin_outer(&self.worker.pool).await?;
        let held = spool::take(&mut transaction, self.spool_after, SPOOL_ENVELOPES).await?;
        let mut batch = Batch::default();
        let mut newer = Vec::new();
        let mut done = Vec::new();
        // What there is no room for is left to the next turn, or to another lane.
        for envelope in held {
            if !batch.has_room() {
                break;
            }
            done.push(envelope.spool_id);
            newer.extend(batch.add(envelope.envelope).err());
        }
        let Some(&last) = done.last() else {
            db::rollback(transaction).await?;
            return Ok(false);
        };
        if !self.settle(&batch, false).await {
            db::rollback(transaction).await?;
            return Ok(true);
        }
        spool::remove(&mut transaction, &done).await?;
        // Back to the end, so that nothing waits behind them.
        for one in &newer {
            log_newer(one);
            spool::put(&mut transaction, &one.payload).await?;
        }
        db::commit(transaction).await?;
        self.spool_after = last;
        if !newer.is_empty() {
            self.pause(PAUSE_MAX).await;
        }
        Ok(true)
    }

    /// Waits, but not beyond the stop.
    async fn pause(&self, pause: Duration) {
        tokio::select! {
            () = self.stop.cancelled() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}

fn log_newer(newer: &NewerVersion) {
    tracing::error!(error = %telemetry::chain(newer), "this worker is older than an ingest: update it");
}

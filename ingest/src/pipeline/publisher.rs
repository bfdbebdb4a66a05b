//! A publisher task: gathers what is ready into envelopes and makes them durable, at the broker or in the spool.
//!
//! It owns one confirm channel. What the broker does not confirm in time goes to the spool as well: the same events may
//! then arrive twice, which their ids absorb.

use std::{sync::Arc, time::Duration};

use common::{
    db::{self, DbError, Pool, spool, spool_bulk},
    domain::EventId,
    message::{Envelope, TrafficClass},
    queue::amqp::{Broker, Confirm, ConfirmChannel, Connection, PendingConfirm},
    telemetry,
};
use futures_util::{FutureExt, StreamExt, future::BoxFuture, stream::FuturesUnordered};
use tokio::{
    sync::{Mutex, OwnedMutexGuard, Semaphore, mpsc, oneshot, watch},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use super::{gathered::Gathered, job::Job, parts::PipelineParts, under_way::UnderWay};

/// Express envelopes under way at once. The next is gathered meanwhile, so that envelopes grow with the load.
const MAX_IN_FLIGHT: usize = 4;
/// The same of bulk: what the broker or the database writes for it delays what it writes for express.
const MAX_BULK_IN_FLIGHT: usize = 2;
/// While several organisations have work, the publisher of bulk rests behind an envelope for so long by its events, and at the least:
/// who floods is held back by its own answers, before reading what it sends takes the processor from others.
const REST_BY_EVENT: Duration = Duration::from_micros(100);
const LEAST_REST: Duration = Duration::from_millis(10);
/// A broker that has not confirmed by then is slow: the envelope is spooled.
const CONFIRM_DEADLINE: Duration = Duration::from_millis(800);
/// A slow broker is left alone for this long.
const AVOID_SLOW_BROKER: Duration = Duration::from_secs(2);
/// A broker that has confirmed nothing for so long gets a new connection.
const STALL: Duration = Duration::from_secs(5);

/// The way into the spool, shared by the publishers of one class: a few connections and no more, so that an outage of the broker
/// leaves the others to the reader and the keys, and bulk leaves some to express.
#[derive(Clone, Debug)]
pub(super) struct Overflow {
    pool: Pool,
    turns: Arc<Semaphore>,
}

impl Overflow {
    pub(super) fn new(pool: Pool, connections: u16) -> Self {
        Self {
            pool,
            turns: Arc::new(Semaphore::new(usize::from(connections))),
        }
    }

    async fn put(&self, envelope: &Outgoing) -> Result<(), DbError> {
        // The semaphore is never closed; were it, an unlimited insert would still be right.
        let _turn = self.turns.acquire().await.ok();
        db::in_transaction(&self.pool, async |transaction| match envelope.bulk_of {
            None => spool::put(transaction, &envelope.bytes).await,
            Some(org) => spool_bulk::put(transaction, &[org], std::slice::from_ref(&envelope.bytes)).await,
        })
        .await
    }
}

/// An envelope, and of whose bulk it is.
struct Outgoing {
    bytes: Vec<u8>,
    bulk_of: Option<i64>,
}

/// What a publisher is made of; a clone starts it again where it broke.
#[derive(Clone)]
pub(super) struct Publisher {
    class: TrafficClass,
    jobs: Arc<Mutex<mpsc::Receiver<Job>>>,
    instance: String,
    reply_to: watch::Receiver<Option<String>>,
    broker: Option<Broker>,
    overflow: Overflow,
    under_way: UnderWay,
}

/// A publisher at work.
struct Running {
    parts: Publisher,
    jobs: OwnedMutexGuard<mpsc::Receiver<Job>>,
    channel: Option<(Arc<Connection>, ConfirmChannel)>,
    avoid_until: Option<Instant>,
    last_confirm: Instant,
    /// Taken, but in no envelope yet.
    gathered: Gathered,
    rests_until: Instant,
}

/// An envelope under way, with its events' callers.
struct Sent {
    jobs: Vec<oneshot::Sender<bool>>,
    result: SentResult,
}

enum SentResult {
    Confirmed,
    Spooled,
    /// The broker has not confirmed it: with the bytes, to be spooled.
    Unconfirmed(Outgoing, Option<Confirm>),
    Failed(DbError),
}

impl Publisher {
    pub(super) fn new(
        class: TrafficClass,
        parts: &PipelineParts,
        jobs: mpsc::Receiver<Job>,
        reply_to: watch::Receiver<Option<String>>,
        overflow: Overflow,
        under_way: UnderWay,
    ) -> Self {
        Self {
            class,
            jobs: Arc::new(Mutex::new(jobs)),
            instance: parts.instance.clone(),
            reply_to,
            broker: parts.broker.clone(),
            overflow,
            under_way,
        }
    }

    /// Publishes until `stop`, then takes no more jobs and ends when everything taken is settled.
    pub(super) async fn run(self, stop: CancellationToken) {
        let running = Running {
            jobs: Arc::clone(&self.jobs).lock_owned().await,
            parts: self,
            channel: None,
            avoid_until: None,
            last_confirm: Instant::now(),
            gathered: Gathered::default(),
            rests_until: Instant::now(),
        };
        running.run(&stop).await;
        // Where all who could hand over jobs are gone before, it is no end by itself.
        stop.cancelled().await;
    }
}

impl Running {
    async fn run(mut self, stop: &CancellationToken) {
        let mut in_flight: FuturesUnordered<BoxFuture<'static, Sent>> = FuturesUnordered::new();
        let mut open = true;
        let stopped = stop.cancelled();
        tokio::pin!(stopped);
        let most = match self.parts.class {
            TrafficClass::Express => MAX_IN_FLIGHT,
            TrafficClass::Bulk => MAX_BULK_IN_FLIGHT,
        };
        while open || !in_flight.is_empty() || !self.gathered.is_empty() {
            let has_place = in_flight.len() < most;
            let rests = has_place && open && Instant::now() < self.rests_until;
            let may_send = has_place && !rests;
            if may_send && !self.gathered.is_empty() {
                let sent = self.send().await;
                in_flight.extend(sent);
                continue;
            }
            tokio::select! {
                Some(sent) = in_flight.next(), if !in_flight.is_empty() => {
                    if let Some(spooling) = self.settle(sent) {
                        in_flight.push(spooling);
                    }
                }
                job = self.jobs.recv(), if open && may_send => match job {
                    Some(job) => self.gathered.add(job),
                    None => open = false,
                },
                () = tokio::time::sleep_until(self.rests_until), if rests => {}
                () = &mut stopped, if !self.jobs.is_closed() => {
                    self.jobs.close();
                    self.rests_until = Instant::now();
                }
            }
        }
    }

    /// One envelope of all that is ready.
    async fn send(&mut self) -> Option<BoxFuture<'static, Sent>> {
        while self.gathered.has_room()
            && let Ok(job) = self.jobs.try_recv()
        {
            self.gathered.add(job);
        }
        let (bulk_of, taken) = self.gathered.next()?;
        let message_id = taken.first()?.id.to_string();
        let (mut events, mut jobs) = (Vec::with_capacity(taken.len()), Vec::with_capacity(taken.len()));
        for job in taken {
            log_job(job.id, &message_id);
            events.push(job.encoded);
            jobs.push(job.durable);
        }
        if self.parts.class == TrafficClass::Bulk
            && !self.jobs.is_closed()
            && self.parts.under_way.is_shared()
        {
            let events = u32::try_from(events.len()).unwrap_or(u32::MAX);
            self.rests_until = Instant::now() + (REST_BY_EVENT * events).max(LEAST_REST);
        }
        let reply_to = self.parts.reply_to.borrow().clone();
        let bytes = Envelope::join_of(&self.parts.instance, reply_to.as_deref(), bulk_of, &events);
        let envelope = Outgoing { bytes, bulk_of };
        Some(match self.publish(&message_id, &envelope.bytes).await {
            Some(confirm) => confirmed(confirm, envelope, jobs).boxed(),
            None => spooled(self.parts.overflow.clone(), envelope, jobs).boxed(),
        })
    }

    /// Hands the envelope to the broker; `None` when that is not to be had now.
    async fn publish(&mut self, message_id: &str, envelope: &[u8]) -> Option<PendingConfirm> {
        let broker = self.parts.broker.as_ref()?;
        if self.avoid_until.is_some_and(|until| Instant::now() < until) {
            return None;
        }
        let connection = broker.publish.current()?;
        let queue = match self.parts.class {
            TrafficClass::Express => broker.topology.events(),
            TrafficClass::Bulk => broker.topology.bulk(),
        };
        let is_ours = self
            .channel
            .as_ref()
            .is_some_and(|(ours, _)| Arc::ptr_eq(ours, &connection));
        if !is_ours {
            self.channel = None;
            // The events at hand wait meanwhile: a silent broker gets as long as it gets for a confirm.
            match tokio::time::timeout(CONFIRM_DEADLINE, ConfirmChannel::open(&connection)).await {
                Ok(Ok(channel)) => self.channel = Some((Arc::clone(&connection), channel)),
                Ok(Err(error)) => {
                    connection.fail(telemetry::chain(&error));
                    return None;
                }
                Err(_elapsed) => {
                    connection.fail("the broker is slow to open a channel");
                    self.avoid_until = Some(Instant::now() + AVOID_SLOW_BROKER);
                    return None;
                }
            }
            self.last_confirm = Instant::now();
        }
        let (_, channel) = self.channel.as_mut()?;
        match channel.publish(&queue, message_id, envelope.to_vec()) {
            Ok(confirm) => Some(confirm),
            Err(error) => {
                connection.fail(telemetry::chain(&error));
                self.channel = None;
                None
            }
        }
    }

    /// Tells the callers, or sends the envelope on to the spool.
    fn settle(&mut self, sent: Sent) -> Option<BoxFuture<'static, Sent>> {
        match sent.result {
            SentResult::Confirmed => {
                self.last_confirm = Instant::now();
                tell(sent.jobs, true);
            }
            SentResult::Spooled => tell(sent.jobs, true),
            SentResult::Failed(error) => {
                tracing::error!(error = %telemetry::chain(&error), events = sent.jobs.len(), "events could be made durable nowhere; their callers are told to come back");
                tell(sent.jobs, false);
            }
            SentResult::Unconfirmed(envelope, confirm) => {
                self.leave_broker(confirm);
                return Some(spooled(self.parts.overflow.clone(), envelope, sent.jobs).boxed());
            }
        }
        None
    }

    fn leave_broker(&mut self, confirm: Option<Confirm>) {
        let reason = match confirm {
            Some(Confirm::Lost) => return,
            Some(Confirm::Nacked) => "the broker refuses messages: its queue is full",
            Some(Confirm::Returned) => "the broker has no queue for the messages",
            Some(Confirm::Acked) | None => "the broker is slow to confirm",
        };
        if self.avoid_until.is_none_or(|until| Instant::now() >= until) {
            tracing::warn!(reason, "events go to the spool");
        }
        self.avoid_until = Some(Instant::now() + AVOID_SLOW_BROKER);
        if let Some((connection, _)) = self.channel.as_ref()
            && (confirm == Some(Confirm::Returned) || self.last_confirm.elapsed() > STALL)
        {
            // A new connection declares the topology again.
            connection.fail(reason);
        }
    }
}

/// By which envelope an event leaves: the worker logs the event, the broker shows the envelope.
fn log_job(event: EventId, envelope: &str) {
    tracing::debug!(event.id = %event, envelope, "an event is put into an envelope");
}

async fn confirmed(confirm: PendingConfirm, envelope: Outgoing, jobs: Vec<oneshot::Sender<bool>>) -> Sent {
    let result = match tokio::time::timeout(CONFIRM_DEADLINE, confirm).await {
        Ok(Confirm::Acked) => SentResult::Confirmed,
        Ok(other) => SentResult::Unconfirmed(envelope, Some(other)),
        Err(_elapsed) => SentResult::Unconfirmed(envelope, None),
    };
    Sent { jobs, result }
}

async fn spooled(overflow: Overflow, envelope: Outgoing, jobs: Vec<oneshot::Sender<bool>>) -> Sent {
    let result = match overflow.put(&envelope).await {
        Ok(()) => SentResult::Spooled,
        Err(error) => SentResult::Failed(error),
    };
    Sent { jobs, result }
}

fn tell(jobs: Vec<oneshot::Sender<bool>>, durable: bool) {
    for job in jobs {
        // A caller that hung up, or that had its outcome already, does not listen.
        job.send(durable).ok();
    }
}

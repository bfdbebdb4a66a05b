//! Publishing with confirms: every message ends as exactly one of [`Confirm`], and never better than the truth.
//!
//! Two traps of lapin shape this file.
//!
//! * An unroutable message comes back as a return and is confirmed all the same. lapin gives the oldest return it has to
//!   whichever confirm is resolved next, so the confirm of message A may carry message B, and B's own confirm then looks
//!   clean. But returns precede their confirms, so whoever carries B was resolved before B. Hence: all confirms of a
//!   channel are looked at together, all that are ready are taken before any of them is judged, a confirm that carries
//!   anything at all is not durable, nor is a message that any confirm has named.
//! * A lapin confirm that is dropped unanswered stays in the channel's memory. Ours are kept here until answered or until
//!   the connection is over; the [`PendingConfirm`] a caller holds is only a receiver and may be dropped at any time.

use std::collections::HashSet;
use std::fmt;
use std::future::{poll_fn, ready};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::{BasicProperties, Channel, Confirmation};
use tokio::sync::oneshot;

use super::error::short;
use super::{AmqpError, Connection};

/// `delivery_mode` of a message that survives a restart of the broker.
const PERSISTENT: u8 = 2;

/// What became of a published message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Confirm {
    /// The broker has it, durably.
    Acked,
    /// The broker refused it (the queue is full).
    Nacked,
    /// Not stored: its queue does not exist. Also given when the broker returned some message and this one cannot be told
    /// from it; such a message may exist.
    Returned,
    /// Unknown: the connection ended first. The message may exist.
    Lost,
}

/// One channel with confirms, for one task. (With two, a confirm could reach the wrong one: lapin takes the tag and queues
/// the bytes under two different locks; `&mut self` is what rules it out.)
pub struct ConfirmChannel {
    channel: Channel,
    connection: Arc<Connection>,
    in_flight: Shared,
}

impl ConfirmChannel {
    pub async fn open(connection: &Arc<Connection>) -> Result<Self, AmqpError> {
        let channel = connection.open_channel().await?;
        connection
            .run(
                "asking for confirms",
                channel.confirm_select(ConfirmSelectOptions::default()),
            )
            .await?;
        let in_flight = Shared::default();
        let collecting = collect(in_flight.clone(), Arc::clone(connection));
        connection.tasks().detach("collecting confirms", collecting);
        Ok(Self {
            channel,
            connection: Arc::clone(connection),
            in_flight,
        })
    }

    /// Hands a message to the connection, persistent and mandatory, by way of the default exchange. Returns at once; the
    /// caller bounds how many are in flight, since lapin's outgoing queue is not bounded. `message_id` must be unique among
    /// those in flight. After an error the message was not sent.
    pub fn publish(
        &mut self,
        queue: &str,
        message_id: &str,
        payload: Vec<u8>,
    ) -> Result<PendingConfirm, AmqpError> {
        let routing_key = short("queue name", queue)?;
        let properties = BasicProperties::default()
            .with_delivery_mode(PERSISTENT)
            .with_message_id(short("message id", message_id)?);
        let channel = self.channel.clone();
        let mut outcome: Outcome = Box::pin(async move {
            let options = BasicPublishOptions {
                mandatory: true,
                ..BasicPublishOptions::default()
            };
            let confirm = channel
                .basic_publish("".into(), routing_key, options, &payload, properties)
                .await?;
            drop(payload);
            confirm.await
        });
        let (answer, pending) = oneshot::channel();
        // The first poll takes the delivery tag and queues the bytes. It happens under the lock, so that the collector
        // never judges one confirm while another, resolved before it, is not yet in its hands.
        let mut in_flight = self.in_flight.lock();
        if in_flight.abandoned {
            return Err(self.connection.over_error());
        }
        match outcome.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Err(source)) => {
                return Err(AmqpError::Channel {
                    operation: "publishing",
                    source: Box::new(source),
                });
            }
            // The broker was faster than this thread. A future that is done must not be polled again, and this confirm
            // is judged together with the others all the same.
            Poll::Ready(Ok(confirmation)) => outcome = Box::pin(ready(Ok(confirmation))),
            Poll::Pending => {}
        }
        in_flight.messages.push(Message {
            id: message_id.to_owned(),
            outcome,
            answer,
        });
        if let Some(collector) = in_flight.collector.take() {
            collector.wake();
        }
        Ok(PendingConfirm(pending))
    }
}

/// What was published before is still confirmed.
impl Drop for ConfirmChannel {
    fn drop(&mut self) {
        let mut in_flight = self.in_flight.lock();
        in_flight.closed = true;
        if let Some(collector) = in_flight.collector.take() {
            collector.wake();
        }
    }
}

impl fmt::Debug for ConfirmChannel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConfirmChannel")
            .field("connection", &self.connection)
            .finish_non_exhaustive()
    }
}

/// The coming answer to one message. It always comes: at the latest as `Lost`, when the connection is over. It has no
/// deadline of its own.
#[derive(Debug)]
pub struct PendingConfirm(oneshot::Receiver<Confirm>);

impl Future for PendingConfirm {
    type Output = Confirm;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Confirm> {
        Pin::new(&mut self.0)
            .poll(cx)
            .map(|answer| answer.unwrap_or(Confirm::Lost))
    }
}

type Outcome = Pin<Box<dyn Future<Output = lapin::Result<Confirmation>> + Send>>;

struct Message {
    id: String,
    outcome: Outcome,
    answer: oneshot::Sender<Confirm>,
}

#[derive(Clone, Default)]
struct Shared(Arc<Mutex<InFlight>>);

impl Shared {
    fn lock(&self) -> MutexGuard<'_, InFlight> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Default)]
struct InFlight {
    messages: Vec<Message>,
    /// Ids named by a return whose own confirm has not come yet.
    returned: HashSet<String>,
    collector: Option<Waker>,
    /// The channel's owner is gone: finish when empty.
    closed: bool,
    /// The connection is over: nothing more will be answered.
    abandoned: bool,
}

impl InFlight {
    /// Ready only when nothing can come any more.
    fn poll_collect(&mut self, cx: &mut Context<'_>, connection: &Connection) -> Poll<()> {
        if self.answer_ready(cx) {
            // The next connection declares the queues anew.
            connection.fail("the broker returned a message: a queue is missing");
        }
        if self.closed && self.messages.is_empty() {
            return Poll::Ready(());
        }
        self.collector = Some(cx.waker().clone());
        Poll::Pending
    }

    /// Takes all that is ready, then judges it. Says whether the broker returned anything.
    fn answer_ready(&mut self, cx: &mut Context<'_>) -> bool {
        let mut resolved = Vec::new();
        // Once more after each find: a confirm resolved before it may have been passed over by the same round.
        while self.take_ready(cx, &mut resolved) {}
        let mut any_returned = false;
        for (_, result) in &resolved {
            if let Ok(Confirmation::Ack(Some(message)) | Confirmation::Nack(Some(message))) = result {
                any_returned = true;
                let id = message.properties.message_id().as_ref().map(ToString::to_string);
                self.returned.extend(id);
            }
        }
        for (message, result) in resolved {
            let named = self.returned.remove(&message.id);
            if message.answer.send(judge(&result, named)).is_err() {
                tracing::trace!(message.id, "nobody waits for this confirm any more");
            }
        }
        if self.messages.is_empty() {
            self.returned.clear();
        }
        any_returned
    }

    fn take_ready(
        &mut self,
        cx: &mut Context<'_>,
        resolved: &mut Vec<(Message, lapin::Result<Confirmation>)>,
    ) -> bool {
        let before = resolved.len();
        let mut index = 0;
        while let Some(message) = self.messages.get_mut(index) {
            match message.outcome.as_mut().poll(cx) {
                Poll::Ready(result) => resolved.push((self.messages.swap_remove(index), result)),
                Poll::Pending => index += 1,
            }
        }
        resolved.len() > before
    }
}

fn judge(result: &lapin::Result<Confirmation>, named_by_a_return: bool) -> Confirm {
    match result {
        Ok(Confirmation::Ack(Some(_)) | Confirmation::Nack(Some(_))) => Confirm::Returned,
        Ok(Confirmation::Ack(None) | Confirmation::Nack(None)) if named_by_a_return => Confirm::Returned,
        Ok(Confirmation::Ack(None)) => Confirm::Acked,
        Ok(Confirmation::Nack(None)) => Confirm::Nacked,
        // Not in confirm mode: cannot be, and proves nothing.
        Ok(Confirmation::NotRequested) | Err(_) => Confirm::Lost,
    }
}

/// Answers every message of one channel, until its owner is gone and all are answered, or the connection is over.
async fn collect(in_flight: Shared, connection: Arc<Connection>) {
    tokio::select! {
        biased;
        () = poll_fn(|cx| in_flight.lock().poll_collect(cx, &connection)) => {}
        _ = connection.ended() => {}
    }
    let mut in_flight = in_flight.lock();
    in_flight.abandoned = true;
    // Dropping a message answers `Lost`.
    in_flight.messages.clear();
}

#[cfg(test)]
mod tests {
    use lapin::message::{BasicReturnMessage, Delivery};

    use super::*;

    type Resolver = oneshot::Sender<lapin::Result<Confirmation>>;

    /// A message whose lapin confirm the test resolves.
    fn message(in_flight: &mut InFlight, id: &str) -> (Resolver, PendingConfirm) {
        let (resolver, resolved) = oneshot::channel();
        let (answer, pending) = oneshot::channel();
        let outcome: Outcome = Box::pin(async move { resolved.await.unwrap() });
        in_flight.messages.push(Message {
            id: id.to_owned(),
            outcome,
            answer,
        });
        (resolver, PendingConfirm(pending))
    }

    fn return_of(id: &str) -> BasicReturnMessage {
        let mut delivery = Delivery::mock(0, "".into(), "gone".into(), false, Vec::new());
        delivery.properties = BasicProperties::default().with_message_id(id.into());
        BasicReturnMessage {
            delivery,
            reply_code: 312,
            reply_text: "NO_ROUTE".into(),
        }
    }

    fn answered(pending: PendingConfirm) -> Option<Confirm> {
        let mut pending = pending.0;
        pending.try_recv().ok()
    }

    fn collect_now(in_flight: &mut InFlight) -> bool {
        in_flight.answer_ready(&mut Context::from_waker(Waker::noop()))
    }

    /// A was routed, B was not, and lapin hangs B's return on A's confirm.
    #[test]
    fn a_return_that_hangs_on_another_confirm_finds_its_message() {
        let mut in_flight = InFlight::default();
        // B lies before A, so it is looked at first.
        let (resolve_b, b) = message(&mut in_flight, "b");
        let (resolve_a, a) = message(&mut in_flight, "a");
        let (resolve_c, c) = message(&mut in_flight, "c");
        resolve_a
            .send(Ok(Confirmation::Ack(Some(return_of("b")))))
            .unwrap();
        resolve_b.send(Ok(Confirmation::Ack(None))).unwrap();
        assert!(collect_now(&mut in_flight), "the alarm");
        assert_eq!(answered(b), Some(Confirm::Returned));
        assert_eq!(
            answered(a),
            Some(Confirm::Returned),
            "cannot be told from a returned one"
        );
        resolve_c.send(Ok(Confirmation::Ack(None))).unwrap();
        assert!(!collect_now(&mut in_flight));
        assert_eq!(answered(c), Some(Confirm::Acked));
        assert!(in_flight.returned.is_empty(), "nothing is remembered for ever");
    }

    #[test]
    fn a_return_is_remembered_until_the_confirm_it_belongs_to() {
        let mut in_flight = InFlight::default();
        let (resolve_a, _a) = message(&mut in_flight, "a");
        let (resolve_b, b) = message(&mut in_flight, "b");
        resolve_a
            .send(Ok(Confirmation::Nack(Some(return_of("b")))))
            .unwrap();
        assert!(collect_now(&mut in_flight));
        resolve_b.send(Ok(Confirmation::Ack(None))).unwrap();
        assert!(!collect_now(&mut in_flight));
        assert_eq!(answered(b), Some(Confirm::Returned));
    }

    /// A is looked at and not ready; then A and, after it, B are resolved; then B is looked at, in the same round.
    #[test]
    fn a_confirm_resolved_while_others_are_looked_at_is_not_overlooked() {
        let mut in_flight = InFlight::default();
        let (resolve_a, _a) = message(&mut in_flight, "a");
        let (answer, b) = oneshot::channel();
        let outcome: Outcome = Box::pin(async move {
            resolve_a
                .send(Ok(Confirmation::Ack(Some(return_of("b")))))
                .unwrap();
            Ok(Confirmation::Ack(None))
        });
        in_flight.messages.push(Message {
            id: "b".to_owned(),
            outcome,
            answer,
        });
        assert!(collect_now(&mut in_flight));
        assert_eq!(answered(PendingConfirm(b)), Some(Confirm::Returned));
    }

    #[test]
    fn an_error_is_lost_and_a_nack_is_nacked() {
        let mut in_flight = InFlight::default();
        let (resolve_a, a) = message(&mut in_flight, "a");
        let (resolve_b, b) = message(&mut in_flight, "b");
        let (resolve_c, c) = message(&mut in_flight, "c");
        resolve_a
            .send(Err(lapin::ErrorKind::MissingHeartbeatError.into()))
            .unwrap();
        resolve_b.send(Ok(Confirmation::Nack(None))).unwrap();
        resolve_c.send(Ok(Confirmation::NotRequested)).unwrap();
        assert!(!collect_now(&mut in_flight));
        assert_eq!(answered(a), Some(Confirm::Lost));
        assert_eq!(answered(b), Some(Confirm::Nacked));
        assert_eq!(answered(c), Some(Confirm::Lost));
    }
}

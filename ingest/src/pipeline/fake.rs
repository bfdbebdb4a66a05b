//! A pipeline whose answers a test gives, for tests of what stands before it.

use std::sync::{Arc, atomic::AtomicUsize};

use common::{domain::Event, message::Reply, queue::PendingReplies, runtime::Clock};
use tokio::sync::{Semaphore, mpsc, oneshot, watch};

use super::{Answer, MAX_QUEUED_BYTES, Pipeline, Shared, UnderWay, unavailable};
use common::http::request::Wait;

/// What was submitted, and where its answer goes.
#[derive(Debug)]
pub(crate) struct Submission {
    pub(crate) event: Event,
    pub(crate) wait: Wait,
    pub(crate) answer: oneshot::Sender<Answer>,
}

impl Pipeline {
    pub(crate) fn new(script: mpsc::Sender<Submission>) -> Self {
        let shared = Shared {
            clock: Clock::default(),
            publishers: Vec::new(),
            bulk: mpsc::channel(1).0,
            under_way: UnderWay::default(),
            bulk_room: Arc::new(Semaphore::new(0)),
            next: AtomicUsize::new(0),
            pending: PendingReplies::default(),
            stalled: watch::channel(false).1,
            room: Arc::new(Semaphore::new(MAX_QUEUED_BYTES)),
            script: Some(script),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Tells an outcome to whoever waits for it beside the script.
    pub(crate) fn deliver(&self, reply: Reply) {
        self.shared.pending.deliver([reply]);
    }
}

pub(super) async fn submit(script: &mpsc::Sender<Submission>, event: Event, wait: Wait) -> Answer {
    let (answer, answered) = oneshot::channel();
    match script.try_send(Submission { event, wait, answer }) {
        Ok(()) => answered.await.unwrap_or_else(|_dropped| unavailable()),
        Err(_full) => unavailable(),
    }
}

pub(super) async fn submit_all(
    script: &mpsc::Sender<Submission>,
    events: Vec<Event>,
    wait: Wait,
) -> Vec<Answer> {
    let mut answers = Vec::new();
    for event in events {
        let (answer, answered) = oneshot::channel();
        let sent = script.send(Submission { event, wait, answer }).await;
        answers.push(sent.map(|()| answered));
    }
    let answers = answers.into_iter().map(async |answered| match answered {
        Ok(answered) => answered.await.unwrap_or_else(|_dropped| unavailable()),
        Err(_closed) => unavailable(),
    });
    futures_util::future::join_all(answers).await
}

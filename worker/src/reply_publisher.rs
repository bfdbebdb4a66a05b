//! Answers: outcomes to those who wait for them, one message per ingest instance and batch.

use std::collections::HashMap;

use common::{
    db::{self, Pool, notify},
    domain::{Decision, EventId, Outcome},
    message::{Reply, ReplyBatch},
    queue::{
        Instances,
        amqp::{ConnectionManager, ReplyChannel},
    },
    runtime::Clock,
    telemetry,
};

use crate::{Worker, batch::ReplyTo};

/// Sends replies. Losing one only delays an answer: the ingest then looks in the database.
#[derive(Debug)]
pub(crate) struct ReplyPublisher {
    pool: Pool,
    clock: Clock,
    instances: Instances,
    manager: Option<ConnectionManager>,
    publisher: Option<ReplyChannel>,
}

impl ReplyPublisher {
    pub(crate) fn new(worker: &Worker) -> Self {
        Self {
            pool: worker.pool.clone(),
            clock: worker.clock.clone(),
            instances: worker.instances.clone(),
            manager: worker.broker.as_ref().map(|broker| broker.publish.clone()),
            publisher: None,
        }
    }

    /// Answers all decisions that somebody still waits for. What waits for a second look has no answer yet.
    pub(crate) async fn answer(&mut self, decisions: &[Decision], reply_to: &HashMap<EventId, ReplyTo>) {
        let now = self.clock.now();
        let mut groups: HashMap<&ReplyTo, Vec<Reply>> = HashMap::new();
        for decision in decisions {
            if let Some(to) = reply_to
                .get(&decision.event.id)
                .filter(|_| decision.event.is_awaited(now) && decision.outcome != Outcome::Queued)
            {
                let reply = Reply {
                    event_id: decision.event.id,
                    outcome: decision.outcome.clone(),
                };
                groups.entry(to).or_default().push(reply);
            }
        }
        let mut unsent = false;
        for (to, replies) in groups {
            match self.instances.get(&to.instance) {
                Some(pending) => pending.deliver(replies),
                None => unsent |= !self.send(to, ReplyBatch { replies }).await,
            }
        }
        if unsent {
            call_readers(&self.pool).await;
        }
    }

    async fn send(&mut self, to: &ReplyTo, batch: ReplyBatch) -> bool {
        let (Some(queue), Ok(payload)) = (&to.queue, batch.encode()) else {
            return false;
        };
        let Some(publisher) = self.publisher().await else {
            return false;
        };
        match publisher.send(queue, &payload).await {
            Ok(true) => true,
            Ok(false) => {
                self.publisher = None;
                false
            }
            Err(error) => {
                tracing::warn!(error = %telemetry::chain(&error), "a reply could not be sent; the ingest will look it up");
                self.publisher = None;
                false
            }
        }
    }

    async fn publisher(&mut self) -> Option<&mut ReplyChannel> {
        if self.publisher.is_none() {
            let connection = self.manager.as_ref()?.current()?;
            self.publisher = ReplyChannel::open(&connection).await.ok();
        }
        self.publisher.as_mut()
    }
}

/// One call a batch wakes the ingests' readers of outcomes.
pub(crate) async fn call_readers(pool: &Pool) {
    let called = db::in_transaction(pool, async |transaction| {
        notify::notify(transaction, notify::OUTCOMES).await
    });
    if let Err(error) = called.await {
        tracing::debug!(error = %telemetry::chain(&error), "calling the readers of outcomes");
    }
}

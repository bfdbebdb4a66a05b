//! What the handlers of the data plane share: keys, allowances, the pipeline, and how an event comes to be.

use std::{net::IpAddr, sync::Arc};

use common::{
    domain::{Body, Dialect, Event, EventId, OrgId, TraceParent},
    http::{
        AddressRate, Asker, KeySource, Origin, Rejection, forget_body, note_durable, note_event, note_org,
        note_warning, presented,
        request::{self, DEFAULT_WAIT, Received, Wait},
    },
    keyring::{Keys, Principal},
    message::EventIds,
    queue::QuotaPlace,
    runtime::{Clock, TaskGroup},
    telemetry::traces,
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, oneshot},
    task::JoinHandle,
    time::Instant,
};
use tracing::Instrument as _;

use crate::{
    auth::{Keyless, KeylessPermit},
    pipeline::{self, Answer, Pipeline},
    quota::{Admission, Quotas},
};

/// What all handlers share. Clones are cheap.
#[derive(Clone, Debug)]
pub struct Ingest(pub(crate) Arc<Parts>);

#[derive(Debug)]
pub(crate) struct Parts {
    keys: Keys,
    keyless: Keyless,
    quotas: Quotas,
    addresses: AddressRate,
    pub(crate) pipeline: Pipeline,
    ids: EventIds,
    clock: Clock,
    requests: TaskGroup,
    batches: Arc<Semaphore>,
}

/// Long batches that are read or printed at once: more would take the threads from those whose calls are short.
const BATCHES_AT_ONCE: usize = 1;

impl Ingest {
    /// `requests`: the tasks of requests that outlive their callers. The group must end before the pipeline does.
    pub fn new(keys: Keys, pipeline: Pipeline, ids: EventIds, clock: Clock, requests: TaskGroup) -> Self {
        Self(Arc::new(Parts {
            keys,
            keyless: Keyless::default(),
            quotas: Quotas::default(),
            addresses: AddressRate::default(),
            pipeline,
            ids,
            clock,
            requests,
            batches: Arc::new(Semaphore::new(BATCHES_AT_ONCE)),
        }))
    }

    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    pub(crate) fn keys(&self) -> &Keys {
        &self.0.keys
    }

    /// Waits for the turn of a long batch, which has it until this is dropped.
    pub(crate) async fn turn_of_batches(&self) -> Option<OwnedSemaphorePermit> {
        // The semaphore is never closed; were it, batches would still be read.
        Arc::clone(&self.0.batches).acquire_owned().await.ok()
    }

    /// The holder of the key that the request presents in one of `sources`.
    ///
    /// # Errors
    /// 401 without a valid key, 429 for a stranger who has tried too many, 503 when an unknown key cannot be looked up.
    pub async fn authenticate(
        &self,
        asker: Asker<'_>,
        sources: &[KeySource],
    ) -> Result<Arc<Principal>, Rejection> {
        let key = presented(asker.headers, sources).ok_or(Rejection::Unauthenticated)?;
        let principal = self.0.keys.authenticate(key, asker.stranger).await?;
        note_org(principal.key.org);
        Ok(principal)
    }

    /// The event that `principal` asks for, with a fresh id.
    pub fn event(
        &self,
        principal: &Principal,
        dialect: Dialect,
        received: &Received,
        mut body: Body,
    ) -> Event {
        let now = self.0.clock.now();
        if let Body::CreateConversion(sale) = &mut body {
            sale.sent_by = Some(principal.key.key_id);
            sale.answers_first = principal.key.answers_first();
        }
        Event {
            id: self.0.ids.issue(principal.key.org, now),
            org: Some(principal.key.org),
            dialect,
            received_at: now,
            authenticated: true,
            program_scope: principal.key.program,
            idempotency: received
                .idempotency
                .clone()
                .map(|sent| request::in_scope(sent, principal.key.program)),
            wait_until: None,
            request_id: request_id(received.origin.as_ref()),
            trace: trace(received.origin.as_ref()),
            warnings: warnings(received.origin.as_ref()),
            body,
        }
    }

    /// The event that a caller without a key asks for. Its `Idempotency-Key` does not count: it could use up
    /// that of a caller with a key.
    pub fn keyless_event(
        &self,
        dialect: Dialect,
        org: Option<OrgId>,
        origin: Option<&Origin>,
        body: Body,
    ) -> Event {
        let now = self.0.clock.now();
        Event {
            id: self.0.ids.issue(org, now),
            org,
            dialect,
            received_at: now,
            authenticated: false,
            program_scope: None,
            idempotency: None,
            wait_until: None,
            request_id: request_id(origin),
            trace: trace(origin),
            warnings: warnings(origin),
            body,
        }
    }

    /// Takes one of the calls without a key that `client` may make.
    ///
    /// # Errors
    /// 429 when it has made too many.
    pub fn keyless_call(&self, client: Option<IpAddr>) -> Result<(), Rejection> {
        let taken = self.0.addresses.take(client);
        taken.map_err(|retry_after| Rejection::RateLimited { retry_after })
    }

    /// A place among the calls without a key.
    ///
    /// # Errors
    /// 429 when all are taken.
    pub fn keyless_permit(&self) -> Result<KeylessPermit, Rejection> {
        self.0.keyless.permit()
    }

    /// Whether so many events, all of one organisation as `event` is, may be submitted now: all or none.
    ///
    /// # Errors
    /// 429 when a quota of the organisation is used up, 400 when they are more than it ever allows.
    pub(crate) fn admit(&self, event: &Event, events: usize) -> Result<Admission, Rejection> {
        self.0.quotas.admit(&self.0.keys, event, events)
    }

    /// As [`Ingest::submit`], in one of the places for calls without a key. It is kept until the answer, even if the
    /// caller hangs up, and for an event whose organisation nobody knows until it is decided, as long as a caller would
    /// have waited, even if this one does not: else callers without a key who do so could fill the queue.
    pub(crate) async fn submit_keyless(
        &self,
        permit: KeylessPermit,
        admission: Admission,
        event: Event,
        wait: Wait,
    ) -> Answer {
        forget_body();
        let pipeline = self.0.pipeline.clone();
        let (told, answer) = oneshot::channel();
        let id = event.id;
        note_event(event.dialect, id);
        let stop = self.0.requests.stop().clone();
        self.outlive("a call without a key", async move {
            let (id, is_unresolved, started) = (event.id, event.org.is_none(), Instant::now());
            let answer = pipeline.submit_counted(admission.places, event, wait).await;
            let kept = (is_unresolved && answer == Answer::Accepted).then_some(permit);
            // Who hung up hears nothing.
            told.send(answer).ok();
            if let Some(permit) = kept {
                let patience = wait.duration().unwrap_or(DEFAULT_WAIT);
                let decided = pipeline.decided(id, patience.saturating_sub(started.elapsed()));
                // The place is nobody's when the process ends: that must not wait for this.
                stop.run_until_cancelled(decided).await;
                drop(permit);
            }
        });
        let answer = answer.await.unwrap_or_else(|_panicked| pipeline::unavailable());
        note_answer(id, &answer);
        answer
    }

    /// Runs a part of a request to its end, even if the caller hangs up meanwhile.
    pub(crate) fn outlive<T: Send + 'static>(
        &self,
        name: &'static str,
        task: impl Future<Output = T> + Send + 'static,
    ) -> JoinHandle<T> {
        self.0.requests.detach(name, task.in_current_span())
    }

    /// Hands `event` over and waits for what is to be answered.
    pub(crate) async fn submit(&self, admission: Admission, event: Event, wait: Wait) -> Answer {
        forget_body();
        note_event(event.dialect, event.id);
        let (id, pipeline) = (event.id, self.0.pipeline.clone());
        let answer = if admission.places.is_empty() {
            pipeline.submit(event, wait).await
        } else {
            // It counts until it is decided, also when its caller hangs up.
            let counted = self.outlive("an event that counts", async move {
                pipeline.submit_counted(admission.places, event, wait).await
            });
            counted.await.unwrap_or_else(|_panicked| pipeline::unavailable())
        };
        note_answer(id, &answer);
        answer
    }

    /// Hands `events` over in their order and waits for what is to be answered to each.
    pub(crate) async fn submit_all(
        &self,
        places: Vec<QuotaPlace>,
        events: Vec<Event>,
        wait: Wait,
    ) -> Vec<Answer> {
        let ids: Vec<EventId> = events.iter().map(|event| event.id).collect();
        let answers = self.0.pipeline.submit_all(events, wait).await;
        for ((id, answer), place) in ids.into_iter().zip(&answers).zip(places) {
            self.0.pipeline.keep_counting(id, answer, place);
        }
        answers
    }
}

fn note_answer(event: EventId, answer: &Answer) {
    if let Answer::Outcome(outcome) = answer {
        outcome
            .warnings()
            .iter()
            .for_each(|warning| note_warning(warning));
    }
    match answer {
        Answer::Outcome(_) | Answer::Accepted => note_durable(event),
        Answer::Unavailable { .. } => {}
    }
}

fn request_id(origin: Option<&Origin>) -> Option<String> {
    origin.map(|origin| origin.request_id.to_string())
}

/// What has been noted while the request was read.
fn warnings(origin: Option<&Origin>) -> Vec<String> {
    origin.map(|origin| origin.warnings.all()).unwrap_or_default()
}

/// The span of the request, where this process traces; else what the caller sent.
fn trace(origin: Option<&Origin>) -> Option<TraceParent> {
    traces::current().or_else(|| origin?.trace)
}
